using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>
/// Tells a test when a call begins to wait, and when the server has done with it. Under a store in memory the user's answer
/// is all that a poll can wait for. That a call does not wait, its answer shows, for a test's time stands still.
/// </summary>
public sealed class WaitingPolls
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(30);

    private readonly Channel<bool> _begun = Channel.CreateUnbounded<bool>();
    private readonly Channel<bool> _ended = Channel.CreateUnbounded<bool>();

    /// <summary>Puts the watch in front of the endpoints: for <see cref="CibaHost.Map"/>.</summary>
    public void Use(WebApplication app) => app.Use(next => async context =>
    {
        // This one waits for the device to be told.
        if (context.Request.Path == "/bc-authorize")
        {
            await next(context);
            return;
        }

        // Read here, so that the endpoint need not wait for the body.
        var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        body.Position = 0;
        context.Request.Body = body;

        var call = next(context);
        if (call.IsCompleted)
        {
            await call;
            return;
        }

        _begun.Writer.TryWrite(true);
        try
        {
            await call;
        }
        finally
        {
            _ended.Writer.TryWrite(true);
        }
    });

    /// <summary>Waits until so many more calls wait.</summary>
    public Task BegunAsync(int calls = 1) => ReadAsync(_begun, calls);

    /// <summary>Waits until the server has done with so many more calls that waited.</summary>
    public Task EndedAsync(int calls = 1) => ReadAsync(_ended, calls);

    private static async Task ReadAsync(Channel<bool> signals, int count)
    {
        using var bound = new CancellationTokenSource(Bound);
        for (var i = 0; i < count; i++)
        {
            await signals.Reader.ReadAsync(bound.Token);
        }
    }
}
