using System.Reflection;
using Microsoft.Playwright;

namespace Ciba.AspNetCore.Browser.Tests;

/// <summary>The pictures of the README, taken anew where the test is named: <c>dotnet test --filter Screenshots</c>.</summary>
[Explicit]
public sealed class Screenshots : BrowserTest
{
    private static readonly string Folder = Path.Combine(
        typeof(Screenshots).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == "QuickstartFolder").Value!, "screenshots");

    [Test]
    public async Task Both_devices_while_a_request_waits()
    {
        await StartAsync("--Ciba:PollingInterval=00:00:05");
        var page = await OpenAsync(await NewBrowserAsync());
        await page.SignInAsync("alice");
        await page.AskAsync("alice");
        await Expect(page.Requests).ToHaveCountAsync(1);

        await TakeAsync(page.Page, "both-devices.png");
    }

    [Test]
    public async Task The_phone_with_three_codes()
    {
        await StartAsync("--Ciba:NumberMatching=true");
        var page = await OpenAsync(await NewBrowserAsync(ColorScheme.Dark, 360, 780));
        await page.SignInAsync("alice");
        await page.AskAsync("alice");
        await page.Phone.GetByRole(AriaRole.Radio).First.CheckAsync();
        await page.Phone.EvaluateAsync("phone => phone.scrollIntoView()");

        await TakeAsync(page.Page, "phone.png");
    }

    private static async Task TakeAsync(IPage page, string name)
    {
        await page.WaitForFunctionAsync("() => document.getAnimations().every(animation => animation.playState !== 'running' || animation.effect.getTiming().iterations === Infinity)");

        // Gradients would make up most of the file.
        await page.EvaluateAsync("() => document.querySelectorAll('html, .machine').forEach(node => { node.style.backgroundImage = 'none'; })");
        await page.ScreenshotAsync(new() { Path = Path.Combine(Folder, name), Animations = ScreenshotAnimations.Disabled });
    }
}
