using System.Net;
using System.Text.RegularExpressions;

namespace Ciba.AspNetCore.Samples.Tests.Hosting;

/// <summary>What a user does with the pages: it keeps cookies, follows redirects and fills in the forms that are there.</summary>
public sealed partial class Browser(HttpClient http)
{
    /// <summary>Where the browser is, path and query.</summary>
    public string Location { get; private set; } = "/";

    public string Html { get; private set; } = "";

    public HttpStatusCode Status { get; private set; }

    /// <summary>The page as a user reads it, without its head.</summary>
    public string Text => WebUtility.HtmlDecode(Tag().Replace(Html[Html.IndexOf("<body", StringComparison.Ordinal)..], " "));

    public Task OpenAsync(string path) => SendAsync(HttpMethod.Get, path, null);

    /// <summary>Opens a page that asks for sign-in, and does what it asks.</summary>
    public async Task SignInAsync(string path, string user)
    {
        await OpenAsync(path);
        await SubmitAsync(("name", user), ("password", IdentityServerApp.Password));
    }

    /// <summary>Sends the form of the page (the one of the header, to sign out, is not meant), with its hidden fields.</summary>
    public Task SubmitAsync(params (string Name, string Value)[] fields) => PostAsync([("__RequestVerificationToken", AntiforgeryToken()), .. fields]);

    /// <summary>Sends what a forged form might.</summary>
    public Task PostAsync(params (string Name, string Value)[] fields) =>
        SendAsync(HttpMethod.Post, Location, new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value))));

    /// <summary>Where an address leads that is not this server's.</summary>
    public async Task<Uri> LeaveAsync(string path)
    {
        using var response = await http.GetAsync(path);
        return response.Headers.Location ?? throw new AssertionException($"{path} is no redirect: {response.StatusCode}");
    }

    private string AntiforgeryToken() => Token().Match(Html) is { Success: true } token ? token.Groups[1].Value : throw new AssertionException($"No form: {Html}");

    private async Task SendAsync(HttpMethod method, string path, HttpContent? content)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        using var response = await http.SendAsync(request);
        if (response.Headers.Location is { } next)
        {
            await OpenAsync(new Uri(http.BaseAddress!, next).PathAndQuery);
            return;
        }

        Location = path;
        Status = response.StatusCode;
        Html = await response.Content.ReadAsStringAsync();
    }

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tag();

    [GeneratedRegex("name=\"__RequestVerificationToken\" type=\"hidden\" value=\"([^\"]+)\"")]
    private static partial Regex Token();
}
