using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Security.Authentication;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>Finds out what a server takes in a handshake.</summary>
[UnsupportedOSPlatform("windows")]
public static class TlsProbe
{
    /// <summary>The cipher suites of TLS 1.2 that the server takes, each offered alone: of all that there are, or of some.</summary>
    public static async Task<List<TlsCipherSuite>> TakenAsync(Uri server, params TlsCipherSuite[] some)
    {
        var taken = new List<TlsCipherSuite>();
        foreach (var suite in some is [] ? Enum.GetValues<TlsCipherSuite>() : some)
        {
            // TLS 1.3 has suites of its own.
            if (!suite.ToString().StartsWith("TLS_AES_", StringComparison.Ordinal) && (await ConnectAsync(server, SslProtocols.Tls12, suite))?.Suite == suite)
            {
                taken.Add(suite);
            }
        }

        return taken;
    }

    /// <summary>What a handshake with these protocols and cipher suites leads to; null if it fails.</summary>
    public static async Task<(SslProtocols Protocol, TlsCipherSuite Suite)?> ConnectAsync(Uri server, SslProtocols protocols, params TlsCipherSuite[] suites)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(server.Host, server.Port);
        await using var tls = new SslStream(tcp.GetStream());
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                EnabledSslProtocols = protocols,
                CipherSuitesPolicy = suites is [] ? null : new CipherSuitesPolicy(suites),
                RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.Subject == "CN=localhost",
            });
            return (tls.SslProtocol, tls.NegotiatedCipherSuite);
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException)
        {
            return null;
        }
    }
}
