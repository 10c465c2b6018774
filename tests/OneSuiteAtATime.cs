#pragma warning disable CA1050 // In no namespace, so that it runs before everything else of its assembly.

/// <summary>
/// Lets the test projects of one checkout run one after another. They start servers, processes and browsers, and would keep each
/// other from being in time.
/// </summary>
[SetUpFixture, FixtureLifeCycle(LifeCycle.SingleInstance)]
public sealed class OneSuiteAtATime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    // Let go of when the process ends, and not before: what a suite has started ends with it.
    private static readonly Mutex Turn = new(initiallyOwned: false, $@"Global\ciba-aspnetcore-tests-{Checkout()}");

    [OneTimeSetUp]
    public void WaitForTheTurn()
    {
        try
        {
            _ = Turn.WaitOne(Patience);
        }
        catch (AbandonedMutexException)
        {
            // The suite before has ended.
        }
    }

    // The name of the folder that holds the test projects, shortened: four levels above tests/{project}/bin/{configuration}/{framework}.
    private static string Checkout()
    {
        var tests = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../.."));
        return Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(tests)))[..16];
    }
}
