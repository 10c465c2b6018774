using Microsoft.Playwright;

namespace Ciba.AspNetCore.Browser.Tests.Hosting;

/// <summary>
/// The machine's Chromium, one for all tests. Without one they are ignored, unless <c>CIBA_REQUIRE_BROWSER</c> says that there
/// has to be one.
/// </summary>
internal static class Chromium
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    private static IPlaywright? _playwright;
    private static IBrowser? _browser;

    public static IBrowser Browser => _browser ?? throw new InvalidOperationException("The browser has not been started.");

    public static async Task StartAsync()
    {
        if (Path() is not { } path)
        {
            const string Reason = "There is no chromium on the PATH of this machine.";
            if (Environment.GetEnvironmentVariable("CIBA_REQUIRE_BROWSER") is { Length: > 0 })
            {
                Assert.Fail(Reason);
            }

            Assert.Ignore(Reason);
            return;
        }

        Assertions.SetDefaultExpectTimeout(20_000);
        _playwright = await Playwright.CreateAsync();

        // In a container the tests may be root, for whom Chromium has no sandbox; it opens nothing but the Quickstart's page.
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = path, Args = ["--no-sandbox"] });
    }

    public static async Task StopAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
    }

    private static string? Path() => (
        from directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator)
        from name in Names
        let path = System.IO.Path.Combine(directory, name)
        where File.Exists(path)
        select path).FirstOrDefault();
}
