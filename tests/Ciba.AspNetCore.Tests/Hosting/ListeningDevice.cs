using System.Text.Json;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>A device that listens to the server-sent events of its user.</summary>
public sealed class ListeningDevice : IAsyncDisposable
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    private readonly HttpResponseMessage _response;
    private readonly StreamReader _lines;

    private ListeningDevice(HttpResponseMessage response, Stream body)
    {
        _response = response;
        _lines = new StreamReader(body);
    }

    public static async Task<ListeningDevice> OpenAsync(CibaHost host, string user = "alice")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/device/events");
        request.Headers.Add("X-Test-User", user);
        var response = await (await host.HttpAsync()).SendAsync(request, HttpCompletionOption.ResponseHeadersRead).WaitAsync(Bound);
        Assert.That(response.Content.Headers.ContentType?.ToString(), Is.EqualTo("text/event-stream"));
        var stream = new ListeningDevice(response, await response.Content.ReadAsStreamAsync());
        Assert.That(await stream.LineAsync(), Is.EqualTo(": listening"));
        return stream;
    }

    /// <summary>The next event: its name, and its data. A heartbeat has the name of a colon and no data.</summary>
    public async Task<(string Name, JsonElement Data)> NextAsync()
    {
        while (true)
        {
            var line = await LineAsync() ?? throw new AssertionException("The stream has ended.");
            if (line.StartsWith(": ", StringComparison.Ordinal))
            {
                return (":", default);
            }

            if (line.StartsWith("event: ", StringComparison.Ordinal))
            {
                return (line[7..], JsonElement.Parse((await LineAsync())!["data: ".Length..]));
            }
        }
    }

    /// <summary>The next event as one text: its name, the request, and the outcome where it has one.</summary>
    public async Task<string> SaidAsync()
    {
        var (name, data) = await NextAsync();
        return $"{name} {data.GetProperty("id").GetString()} {(data.TryGetProperty("outcome", out var outcome) ? outcome.GetString() : "")}".TrimEnd();
    }

    /// <summary>Whether the server ends the stream.</summary>
    public async Task<bool> EndsAsync()
    {
        while (await LineAsync() is { } line)
        {
            Assert.That(line, Does.Not.StartWith("event:"));
        }

        return true;
    }

    public ValueTask DisposeAsync()
    {
        _lines.Dispose();
        _response.Dispose();
        return ValueTask.CompletedTask;
    }

    private Task<string?> LineAsync() => _lines.ReadLineAsync().WaitAsync(Bound);
}
