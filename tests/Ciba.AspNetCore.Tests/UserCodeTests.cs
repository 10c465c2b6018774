using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 7.1, <c>user_code</c>: a secret between the user and the provider, against unasked-for requests.</summary>
[Spec("A10")]
public sealed class UserCodeTests
{
    [TestCase(null, "missing_user_code", "This user has a user code: send it as user_code.")]
    [TestCase("", "missing_user_code", "This user has a user code: send it as user_code.")]
    [TestCase("1235", "invalid_user_code", "The user_code is wrong.")]
    [TestCase("12345", "invalid_user_code", "The user_code is wrong.")]
    public async Task Without_the_right_code_nothing_happens(string? code, string error, string description)
    {
        await using var host = WithCode();

        var answer = await host.AuthorizeAsync(("user_code", code));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(answer.Body, Is.EqualTo($$"""{"error":"{{error}}","error_description":"{{description}}"}"""));
            Assert.That((await host.StoreAsync()).Count, Is.Zero);
            Assert.That(host.Devices.Calls, Is.Zero);
        }
    }

    [Test]
    public async Task The_right_code_is_accepted()
    {
        await using var host = WithCode();

        Assert.That((await host.AuthorizeAsync(("user_code", "1234"))).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_user_without_a_code_needs_none()
    {
        await using var host = WithCode();

        Assert.That((await host.AuthorizeAsync(("login_hint", "bob"))).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_client_that_is_not_registered_for_codes_needs_none()
    {
        await using var host = new CibaHost();
        host.Users.Codes["alice"] = "1234";

        Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task After_five_wrong_codes_the_right_one_is_refused_too_until_the_window_ends()
    {
        await using var host = WithCode();
        for (var i = 0; i < 5; i++)
        {
            Assert.That((await host.AuthorizeAsync(("user_code", $"wrong-{i}"))).Error, Is.EqualTo("invalid_user_code"));
        }

        var refused = await host.AuthorizeAsync(("user_code", "1234"));
        host.Time.Advance(TimeSpan.FromMinutes(15));
        var accepted = await host.AuthorizeAsync(("user_code", "1234"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(refused.Status, Is.EqualTo(HttpStatusCode.Forbidden));
            Assert.That(refused.Error, Is.EqualTo("access_denied"));
            Assert.That(accepted.Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test]
    public async Task Right_codes_use_up_no_tries()
    {
        await using var host = WithCode(options => options.MaxPendingRequestsPerUser = 0);
        for (var i = 0; i < 20; i++)
        {
            Assert.That((await host.AuthorizeAsync(("user_code", "1234"))).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [Test]
    public async Task However_many_codes_are_tried_at_once_no_more_than_five_are_looked_at()
    {
        await using var host = WithCode();
        await host.StartedAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Task.Run(() => host.AuthorizeAsync(("user_code", $"wrong-{i}")))));

        Assert.That(answers.Count(answer => answer.Error == "invalid_user_code"), Is.EqualTo(5));
        Assert.That(answers.Count(answer => answer.Error == "access_denied"), Is.EqualTo(59));
    }

    private static CibaHost WithCode(Action<CibaOptions>? options = null)
    {
        var client = CibaHost.Client("client");
        client.BackchannelUserCodeParameter = true;
        var host = new CibaHost { Clients = [client], Options = options };
        host.Users.Codes["alice"] = "1234";
        return host;
    }
}
