namespace Ciba.AspNetCore.Browser.Tests;

/// <summary>The page of a Quickstart that has clients and users of its own.</summary>
public sealed class ConfiguredTests : BrowserTest
{
    private static readonly string[] Bank =
    [
        "--Ciba:Clients:0:ClientId=bank", "--Ciba:Clients:0:ClientName=The Bank", "--Ciba:Clients:0:ClientSecrets:0=bank-secret",
        "--Ciba:Clients:0:BackchannelTokenDeliveryMode=poll", "--Ciba:Clients:0:TokenEndpointAuthMethod=client_secret_post",
        "--Ciba:Clients:1:ClientId=vault", "--Ciba:Clients:1:ClientName=The Vault", "--Ciba:Clients:1:BackchannelTokenDeliveryMode=poll",
        "--Ciba:Clients:1:ClientSecrets:0=sha256:3c655a3878fd8e4145a5facca30188ce74792ddff5d57aaf2203bbe74a940cb5",
    ];

    private static readonly string[] Carol = ["--Quickstart:Users:0:Subject=7", "--Quickstart:Users:0:Username=carol", "--Quickstart:Users:0:Password=secret"];

    [Test]
    public async Task Its_own_client_and_user_play_the_flow()
    {
        await StartAsync([.. Bank, .. Carol]);
        var page = await OpenAsync();
        await page.SignInAsync("carol", "secret");
        await page.AskAsync("carol");
        await Expect(page.Requests).ToContainTextAsync("The Bank");

        await page.PressAsync("Approve");

        await Expect(page.Result).ToHaveTextAsync("Approved");
        await Expect(page.Desk.Locator("#claims")).ToContainTextAsync("bank (for which client)");
    }

    [Test]
    public async Task The_desk_is_only_clients_whose_secret_it_can_know()
    {
        await StartAsync([.. Bank, .. Carol]);
        var page = await OpenAsync();

        await Expect(page.Page.Locator("#client option")).ToHaveTextAsync(["The Bank (bank)"]);
    }

    [Test]
    public async Task Where_no_client_can_be_the_desks_the_page_says_so()
    {
        await StartAsync([.. Bank[4..].Select(setting => setting.Replace("Clients:1", "Clients:0")).Skip(1)]);
        var context = await NewBrowserAsync();
        var page = await context.NewPageAsync();
        await page.GotoAsync(Host.Address.ToString());

        await Expect(page.GetByText("No client here polls with a secret in the clear")).ToBeVisibleAsync();
        await Expect(page.GetByText("Ask for approval")).ToBeHiddenAsync();
    }

    [Test]
    public async Task Where_no_user_has_a_password_the_phone_says_so()
    {
        await StartAsync([.. Carol[..2]]);
        var page = await OpenAsync();

        await Expect(page.Phone).ToContainTextAsync("so nobody can sign in here");
        await Expect(page.Field("Password")).ToBeHiddenAsync();
    }

    [Test]
    public async Task Outside_a_demonstration_there_is_a_phone_and_no_desk()
    {
        await StartAsync([.. Bank, .. Carol, "--Quickstart:Demo=false"]);
        var context = await NewBrowserAsync();
        var page = await context.NewPageAsync();
        await page.GotoAsync(Host.Address.ToString());

        await Expect(page.GetByText("This provider lets nobody act as its clients here.")).ToBeVisibleAsync();
        await Expect(page.GetByText("Ask for approval")).ToBeHiddenAsync();
        await page.GetByLabel("User name").FillAsync("carol");
        await page.GetByLabel("Password").FillAsync("secret");
        await page.GetByText("Sign in", new() { Exact = true }).Last.ClickAsync();
        await Expect(page.GetByText("Connected: requests arrive by themselves")).ToBeVisibleAsync();
    }
}
