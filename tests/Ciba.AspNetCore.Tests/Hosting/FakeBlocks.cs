using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>A host's memory of the clients that users have blocked.</summary>
public sealed class FakeBlocks : ICibaClientBlocks
{
    private readonly ConcurrentDictionary<(string, string), bool> _blocked = new();

    public ConcurrentQueue<CibaDeviceRequest> Told { get; } = new();

    /// <summary>Runs when it is asked.</summary>
    public Action OnAsk { get; set; } = () => { };

    public Action OnBlock { get; set; } = () => { };

    public void Use(CibaBuilder ciba)
    {
        ciba.Services.AddSingleton(this);
        ciba.AddClientBlocks<FakeBlocks>();
    }

    public Task BlockAsync(string subject, string clientId)
    {
        _blocked[(subject, clientId)] = true;
        return Task.CompletedTask;
    }

    public async ValueTask BlockAsync(CibaDeviceRequest request, CancellationToken cancellationToken)
    {
        OnBlock();
        Told.Enqueue(request);
        await BlockAsync(request.Subject, request.ClientId);
    }

    public ValueTask<bool> IsBlockedAsync(string subject, string clientId, CancellationToken cancellationToken)
    {
        OnAsk();
        return new(_blocked.ContainsKey((subject, clientId)));
    }
}
