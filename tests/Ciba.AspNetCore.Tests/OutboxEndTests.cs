using Ciba.AspNetCore.Callbacks;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>The worker ends with its host.</summary>
public sealed class OutboxEndTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(20);

    [Test]
    public async Task A_host_that_is_disposed_of_without_having_been_stopped_looks_no_more()
    {
        await using var host = new CibaHost();
        await host.FirstLookAsync();
        var worker = (await host.ServicesAsync()).GetRequiredService<OutboxWorker>();

        await host.DisposeAsync();

        Assert.That(async () => await worker.ExecuteTask!.WaitAsync(Bound), Throws.Nothing);
        Assert.That(async () => await worker.StopAsync(CancellationToken.None).WaitAsync(Bound), Throws.Nothing, "nothing is left that it would wait for");
    }
}
