using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Playwright;

namespace Ciba.AspNetCore.Browser.Tests.Hosting;

/// <summary>A page whose phone gets its requests from the test, whatever a client may have sent, and whose answers the test takes.</summary>
internal sealed class FedPhone
{
    // In place of the event stream of the device API; others are what they are.
    private const string Script = """
        const Real = EventSource;
        class Fed extends EventTarget {
          readyState = 1;
          constructor() {
            super();
            window.fed = this;
            queueMicrotask(() => this.dispatchEvent(new Event('open')));
          }
          close() { this.readyState = 2; }
        }
        window.EventSource = function (url) { return url === 'device/events' ? new Fed() : new Real(url); };
        Object.assign(window.EventSource, { CONNECTING: 0, OPEN: 1, CLOSED: 2 });
        """;

    private readonly ConcurrentQueue<string> _answers = new();

    private FedPhone(DemoPage page) => Page = page;

    public DemoPage Page { get; }

    /// <summary>What the user answered, as the end of the path: <c>a/approve</c>.</summary>
    public IEnumerable<string> Answers => _answers;

    /// <summary>Signs alice in.</summary>
    public static async Task<FedPhone> OpenAsync(IBrowserContext context, Func<IBrowserContext, Task<DemoPage>> open)
    {
        await context.AddInitScriptAsync(Script);
        var phone = new FedPhone(await open(context));

        // So that cards are at once where they stay.
        await phone.Page.Page.EmulateMediaAsync(new() { ReducedMotion = ReducedMotion.Reduce });
        await phone.Page.Page.RouteAsync("**/device/requests/*/*", async route =>
        {
            phone._answers.Enqueue(string.Join('/', new Uri(route.Request.Url).Segments[^2..].Select(segment => segment.Trim('/'))));
            await route.FulfillAsync(new() { Status = 204 });
        });
        await phone.Page.SignInAsync("alice");
        await Assertions.Expect(phone.Page.Phone).ToContainTextAsync("Connected");
        return phone;
    }

    /// <summary>A request of The Shop arrives, with some members changed, added, or taken away by a null.</summary>
    public async Task<ILocator> RequestAsync(string id, params (string Name, object? Value)[] members)
    {
        var now = DateTimeOffset.UtcNow;
        var request = new JsonObject
        {
            ["id"] = id,
            ["client_id"] = "shop",
            ["client_name"] = "The Shop",
            ["scope"] = "openid",
            ["created_at"] = now,
            ["expires_at"] = now.AddMinutes(5),
        };
        foreach (var (name, value) in members)
        {
            request.Remove(name);
            if (value is not null)
            {
                request[name] = value as JsonNode ?? JsonSerializer.SerializeToNode(value);
            }
        }

        await TellAsync("requested", request.ToJsonString());
        return Page.Phone.Locator($"article[aria-labelledby='name-{id}']");
    }

    /// <summary>The details of a request arrive as this text of JSON, digit by digit.</summary>
    public async Task<ILocator> DetailAsync(string id, string detail)
    {
        var now = DateTimeOffset.UtcNow;
        await TellAsync("requested", $$"""{"id":"{{id}}","client_id":"shop","client_name":"The Shop","scope":"openid","created_at":"{{now:o}}","expires_at":"{{now.AddMinutes(5):o}}","authorization_details":[{{detail}}]}""");
        return Page.Phone.Locator($"article[aria-labelledby='name-{id}']");
    }

    public Task TellAsync(string type, string data) => Page.Page.EvaluateAsync("([type, data]) => { window.fed.dispatchEvent(new MessageEvent(type, { data })); }", new[] { type, data });

    /// <summary>Until whatever the last click has sent is here.</summary>
    public Task RoundTripAsync() => Page.Page.EvaluateAsync("() => fetch('demo/phone/session').then(answer => answer.text())");

    /// <summary>Presses the button of the mouse where it is.</summary>
    /// <param name="x">From the left.</param>
    /// <param name="y">From the top.</param>
    /// <param name="count">2 for the second click of a double click.</param>
    public async Task ClickAsync(float x, float y, int count = 1)
    {
        await Page.Page.Mouse.MoveAsync(x, y);
        await Page.Page.Mouse.DownAsync(new() { ClickCount = count });
        await Page.Page.Mouse.UpAsync(new() { ClickCount = count });
        await RoundTripAsync();
    }

    public static async Task<(float X, float Y)> MiddleAsync(ILocator locator)
    {
        var box = (await locator.BoundingBoxAsync())!;
        return (box.X + (box.Width / 2), box.Y + (box.Height / 2));
    }
}
