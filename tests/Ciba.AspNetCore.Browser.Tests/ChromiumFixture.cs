namespace Ciba.AspNetCore.Browser.Tests;

/// <summary>Starts the browser before the first test and ends it after the last.</summary>
[SetUpFixture, FixtureLifeCycle(LifeCycle.SingleInstance)]
public sealed class ChromiumFixture
{
    [OneTimeSetUp]
    public Task StartAsync() => Chromium.StartAsync();

    [OneTimeTearDown]
    public Task StopAsync() => Chromium.StopAsync();
}
