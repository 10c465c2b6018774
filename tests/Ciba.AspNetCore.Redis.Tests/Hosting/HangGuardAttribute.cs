using System.Collections.Concurrent;
using NUnit.Framework.Interfaces;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>
/// Ends the run where a test takes minutes, and names it: what waits for a clock that stands
/// still waits for ever.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class HangGuardAttribute : TestActionAttribute
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(4);

    private readonly ConcurrentDictionary<string, Timer> _running = new();

    public override ActionTargets Targets => ActionTargets.Test;

    public override void BeforeTest(ITest test) =>
        _running[test.Id] = new Timer(_ => Environment.FailFast($"{test.FullName} hangs."), null, Longest, Timeout.InfiniteTimeSpan);

    public override void AfterTest(ITest test)
    {
        if (_running.TryRemove(test.Id, out var timer))
        {
            timer.Dispose();
        }
    }
}
