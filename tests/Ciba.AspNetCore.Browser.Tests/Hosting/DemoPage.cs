using System.Collections.Concurrent;
using System.Globalization;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace Ciba.AspNetCore.Browser.Tests.Hosting;

/// <summary>The page in one window, and what a person does there.</summary>
internal sealed class DemoPage
{
    private static readonly string[] Grave = ["serious", "critical"];

    private readonly ConcurrentQueue<string> _errors = new();

    private DemoPage(IPage page)
    {
        Page = page;
        page.PageError += (_, error) => _errors.Enqueue(error);
        page.Console += (_, message) =>
        {
            // Chromium reports each answer of 400 and more; that the page copes with them the tests see.
            if (message.Type is "error" or "warning" && !message.Text.StartsWith("Failed to load resource: the server responded", StringComparison.Ordinal))
            {
                _errors.Enqueue(message.Text);
            }
        };
    }

    public IPage Page { get; }

    /// <summary>What the browser complained of: scripts that failed, what the policy forbids, files that are not there.</summary>
    public IEnumerable<string> Errors => _errors;

    public ILocator Desk => Page.GetByRole(AriaRole.Region, new() { Name = "Consumption device" });

    public ILocator Phone => Page.GetByRole(AriaRole.Region, new() { Name = "Phone" });

    public ILocator Requests => Phone.GetByRole(AriaRole.Article);

    public ILocator History => Phone.GetByRole(AriaRole.Region, new() { Name = "Earlier in this session" }).GetByRole(AriaRole.Listitem);

    public ILocator Result => Desk.GetByRole(AriaRole.Heading, new() { Level = 3 });

    public static async Task<DemoPage> OpenAsync(IBrowserContext context, Uri address)
    {
        var page = new DemoPage(await context.NewPageAsync());
        await page.Page.GotoAsync(address.ToString());
        await Assertions.Expect(page.Field("Customer")).ToHaveValueAsync(new System.Text.RegularExpressions.Regex("."));
        return page;
    }

    public ILocator Field(string label) => Page.GetByLabel(label, new() { Exact = true });

    public async Task SignInAsync(string user, string? password = null)
    {
        await Field("User name").FillAsync(user);
        await Field("Password").FillAsync(password ?? user);
        await PressAsync("Sign in");
    }

    /// <summary>Asks for a customer's approval at the desk.</summary>
    public async Task AskAsync(string customer, int? expiry = null)
    {
        await Field("Customer").FillAsync(customer);
        if (expiry is { } seconds)
        {
            await Desk.GetByText("Advanced").ClickAsync();
            await Field("Expires after seconds").FillAsync(seconds.ToString(CultureInfo.InvariantCulture));
        }

        await PressAsync("Ask for approval");
    }

    public Task PressAsync(string button) => Button(button).ClickAsync();

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    /// <summary>The code that the desk shows while it waits.</summary>
    public async Task<string> CodeAsync()
    {
        // The phone may know of the request before the desk has its answer.
        var code = Page.Locator("#waiting-code");
        await Assertions.Expect(code).ToBeVisibleAsync();
        return await code.InnerTextAsync();
    }

    /// <summary>The findings of axe that keep somebody out.</summary>
    public async Task<string[]> GraveFindingsAsync()
    {
        // A card that is still fading in has not its colours yet.
        await Page.WaitForFunctionAsync("() => document.getAnimations().every(animation => animation.playState !== 'running' || animation.effect.getTiming().iterations === Infinity)");
        var result = await Page.RunAxe();
        return [.. result.Violations
            .Where(violation => Grave.Contains(violation.Impact))
            .SelectMany(violation => violation.Nodes.Select(node => $"{violation.Id}: {node.Html} ({string.Join("; ", node.Any.Select(check => check.Message))})"))];
    }

    /// <summary>By how many pixels the page is wider than its window.</summary>
    public Task<int> OverflowAsync() => Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth");
}
