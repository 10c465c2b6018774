using System.Text.Json;
using ExistingIdentityServer;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Samples.Tests;

/// <summary>Without any set-up, and what does not depend on the database.</summary>
public sealed class ExistingIdentityServerTests : ExistingIdentityServerContract
{
    [Test]
    public async Task The_discovery_document_says_what_the_server_could_and_what_CIBA_adds()
    {
        await using var app = NewApp();

        var document = (await app.GetAsync("/.well-known/openid-configuration")).Json;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(document.GetProperty("authorization_endpoint").GetString(), Is.EqualTo("http://localhost:5090/connect/authorize"));
            Assert.That(document.GetProperty("backchannel_authentication_endpoint").GetString(), Is.EqualTo("http://localhost:5090/bc-authorize"));
            Assert.That(Texts(document.GetProperty("backchannel_token_delivery_modes_supported")), Does.Contain("poll"));
            Assert.That(document.GetProperty("backchannel_user_code_parameter_supported").GetBoolean(), Is.True);
            Assert.That(Texts(document.GetProperty("grant_types_supported")), Is.EquivalentTo(["authorization_code", "client_credentials", "refresh_token", CibaHost.GrantType]));
        }
    }

    [Test]
    public async Task Without_a_mail_server_the_log_has_the_page_and_nothing_of_the_user()
    {
        await using var app = new IdentityServerApp(null, hasMailServer: false);
        var browser = await app.OpenBrowserAsync("alice");

        var asked = await app.AuthorizeAsync("alice@example.com", ("binding_message", "W4SCT"));
        await browser.OpenAsync(string.Join(' ', app.Log.Lines.Select(line => line.Text)).Split(' ', ':').First(word => word.StartsWith("/approve/", StringComparison.Ordinal)));
        await browser.SubmitAsync(("approve", "true"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await app.PollAsync(asked.AuthReqId)).Text("error"), Is.Null);
            Assert.That(app.LogText, Does.Not.Contain("alice").And.Not.Contain("W4SCT").And.Not.Contain(asked.AuthReqId).And.Not.Contain(await app.UserIdAsync("alice")));
        }
    }

    [Test]
    public async Task A_mail_that_is_not_taken_is_sent_again_and_the_log_has_no_address()
    {
        await using var app = NewApp();
        app.Mails.Refusals = 1;

        await app.AuthorizeAsync("alice");
        var mail = await app.Mails.NextAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(mail.To, Is.EqualTo("alice@example.com"));
            Assert.That(app.LogText, Does.Contain("The mail server did not take the mail").And.Not.Contain("alice"));
        }
    }

    [Test]
    public async Task A_password_that_was_forgotten_is_set_anew_by_the_link_in_a_mail()
    {
        await using var app = NewApp();
        var browser = app.OpenBrowser();
        await browser.OpenAsync("/forgot-password");
        await browser.SubmitAsync(("name", "alice"));
        await browser.OpenAsync((await app.Mails.NextAsync()).Link);
        await browser.SubmitAsync(("password", "An0ther!word"));

        await browser.SignInAsync("/sign-in", "alice");
        var old = browser.Text;
        await browser.SubmitAsync(("name", "alice"), ("password", "An0ther!word"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(old, Does.Contain("That did not work."));
            Assert.That(browser.Text, Does.Contain("Hello alice"));
        }
    }

    [Test]
    public async Task The_page_shows_all_that_a_yes_gives()
    {
        await using var shared = NewApp();
        await using var app = shared.WithWebHostBuilder(builder => builder.UseSetting("Ciba:AuthorizationDetailsTypesSupported:0", "payment_initiation"));
        await using (var scope = app.Services.CreateAsyncScope())
        {
            var db = scope.ServiceProvider.GetRequiredService<AppDb>();
            var client = (await db.Clients.FindAsync("call-centre"))!;
            client.Registration = client.Registration.Replace("\"Scopes\":", """
                "AuthorizationDetailsTypes": ["payment_initiation"], "Resources": ["https://api.example.com/"], "Scopes":
                """, StringComparison.Ordinal);
            await db.SaveChangesAsync();
        }

        using var http = app.CreateClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/bc-authorize") { Headers = { Authorization = CibaHost.Basic("call-centre", "call-centre-secret") } };
        request.Content = new FormUrlEncodedContent(
        [
            new("scope", "openid profile"), new("login_hint", "alice"), new("resource", "https://api.example.com/"), new("claims", """{"id_token":{"phone_number":null}}"""),
            new("authorization_details", """[{"type":"payment_initiation","sum":"<b>12.50</b>"}]"""),
        ]);
        using var response = await http.SendAsync(request);
        var asked = new Answer(response, await response.Content.ReadAsStringAsync());
        var browser = new Browser(app.CreateClient(new() { AllowAutoRedirect = false }));
        await browser.SignInAsync($"/approve/{CibaRequestId.FromAuthReqId(asked.AuthReqId)}", "alice");

        Assert.That(browser.Text, Does.Contain("It wants to have: openid, profile, phone_number").And.Contain("It wants access to: https://api.example.com/")
            .And.Contain("""In its own words, it asks for: {"type":"payment_initiation","sum":"<b>12.50</b>"}"""));
    }

    protected override IdentityServerApp NewApp() => new(null);

    private static IEnumerable<string?> Texts(JsonElement array) => array.EnumerateArray().Select(element => element.GetString());
}
