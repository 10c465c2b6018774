using Microsoft.Playwright;

namespace Ciba.AspNetCore.Browser.Tests.Hosting;

/// <summary>A test with a Quickstart of its own, and windows in which nothing may go wrong unseen.</summary>
public abstract class BrowserTest
{
    private readonly List<IBrowserContext> _contexts = [];
    private readonly List<DemoPage> _pages = [];
    private Quickstart? _quickstart;

    private protected Quickstart Host => _quickstart!;

    [TearDown]
    public async Task EndAsync()
    {
        foreach (var context in _contexts)
        {
            await context.DisposeAsync();
        }

        if (_quickstart is not null)
        {
            await _quickstart.DisposeAsync();
        }

        Assert.That(_pages.SelectMany(page => page.Errors), Is.Empty, "What the browser complained of");
    }

    private protected async Task<Quickstart> StartAsync(params string[] settings) => _quickstart = await Quickstart.StartAsync(settings);

    /// <summary>A browser of its own: what it is signed in to, no other is.</summary>
    private protected async Task<IBrowserContext> NewBrowserAsync(ColorScheme colors = ColorScheme.Light, int width = 1280, int height = 800)
    {
        var context = await Chromium.Browser.NewContextAsync(new() { ColorScheme = colors, ViewportSize = new() { Width = width, Height = height } });
        _contexts.Add(context);
        return context;
    }

    private protected async Task<DemoPage> OpenAsync(IBrowserContext? context = null)
    {
        if (_quickstart is null)
        {
            await StartAsync();
        }

        var page = await DemoPage.OpenAsync(context ?? await NewBrowserAsync(), Host.Address);
        _pages.Add(page);
        return page;
    }

    private protected static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);
}
