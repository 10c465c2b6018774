using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>Sections 10.1 and 11: <c>POST /token</c>.</summary>
public sealed class TokenEndpointTests
{
    [Test, Spec("T2")]
    public async Task A_poll_before_the_answer_is_pending()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var answer = await host.PollAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(answer.Body, Is.EqualTo("""{"error":"authorization_pending","error_description":"The user has not answered yet."}"""));
            Assert.That(answer.Header("Cache-Control"), Is.EqualTo("no-store"));
            Assert.That(answer.Header("Pragma"), Is.EqualTo("no-cache"));
        }
    }

    [Test, Spec("T3")]
    public async Task A_poll_before_the_interval_gets_slow_down()
    {
        await using var host = new CibaHost();
        var id = (await host.AuthorizeAsync()).AuthReqId;
        await host.PollAsync(id);
        host.Time.Advance(TimeSpan.FromSeconds(4));

        var answer = await host.PollAsync(id);

        Assert.That(answer.Error, Is.EqualTo("slow_down"));
    }

    [Test, Spec("T7")]
    public async Task The_users_yes_brings_the_tokens()
    {
        await using var host = new CibaHost();

        var answer = await host.TokensAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(answer.Json.EnumerateObject().Select(member => member.Name), Is.EqualTo(new[] { "access_token", "token_type", "expires_in", "id_token" }));
            Assert.That(answer.Text("token_type"), Is.EqualTo("Bearer"));
            Assert.That(answer.Json.GetProperty("expires_in").GetInt32(), Is.EqualTo(3600));
            Assert.That(answer.Header("Cache-Control"), Is.EqualTo("no-store"));
            Assert.That(answer.Header("Pragma"), Is.EqualTo("no-cache"));
        }
    }
}
