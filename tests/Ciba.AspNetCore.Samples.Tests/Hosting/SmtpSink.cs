using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Channels;

namespace Ciba.AspNetCore.Samples.Tests.Hosting;

/// <summary>A mail as it arrived.</summary>
public sealed record Mail(string To, string Subject, string Body)
{
    /// <summary>The one link in it, without the server's address, which must be the issuer's.</summary>
    public string Link => Regex.Matches(Body, @"http://localhost:5090(/\S+)") is [{ } only] ? only.Groups[1].Value : throw new AssertionException($"Not one link: {Body}");
}

/// <summary>A mail server that takes everything (RFC 5321, as much of it as a sender needs) and keeps it for the test.</summary>
public sealed class SmtpSink : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Channel<Mail> _mails = Channel.CreateUnbounded<Mail>();

    public SmtpSink()
    {
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How many recipients are refused before one is taken.</summary>
    public int Refusals { get; set; }

    public bool IsEmpty => _mails.Reader.Count == 0;

    public async Task<Mail> NextAsync()
    {
        using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        return await _mails.Reader.ReadAsync(bound.Token);
    }

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var connection = client;
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        await using var writer = new StreamWriter(client.GetStream(), Encoding.ASCII) { NewLine = "\r\n", AutoFlush = true };
        await writer.WriteLineAsync("220 sink");
        var to = "";
        while (await reader.ReadLineAsync() is { } line)
        {
            switch (line.Split(' ', ':')[0].ToUpperInvariant())
            {
                case "RCPT" when Refusals > 0:
                    Refusals--;
                    await writer.WriteLineAsync($"451 no {line}");
                    break;

                case "RCPT":
                    to = line[(line.IndexOf('<') + 1)..line.IndexOf('>')];
                    goto default;

                case "DATA":
                    await writer.WriteLineAsync("354 go on");
                    await _mails.Writer.WriteAsync(await ReadMailAsync(reader, to));
                    goto default;

                case "QUIT":
                    await writer.WriteLineAsync("221 bye");
                    return;

                default:
                    await writer.WriteLineAsync("250 ok");
                    break;
            }
        }
    }

    private static async Task<Mail> ReadMailAsync(StreamReader reader, string to)
    {
        var subject = "";
        var body = new StringBuilder();
        while (await reader.ReadLineAsync() is { Length: > 0 } header)
        {
            subject = header.StartsWith("Subject: ", StringComparison.Ordinal) ? header["Subject: ".Length..] : subject;
        }

        while (await reader.ReadLineAsync() is { } line && line != ".")
        {
            body.Append(line).Append('\n');
        }

        return new Mail(to, subject, Unquoted(body.ToString()));
    }

    // Quoted-printable, RFC 2045 section 6.7.
    private static string Unquoted(string body) => Regex.Replace(
        body.Replace("=\n", "", StringComparison.Ordinal),
        "=([0-9A-F]{2})",
        code => ((char)int.Parse(code.Groups[1].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToString());
}
