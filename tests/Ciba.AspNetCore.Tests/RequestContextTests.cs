using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>FAPI-CIBA section 5.3: what the client tells of its circumstances is for the host to weigh.</summary>
[Spec("F7")]
public sealed class RequestContextTests
{
    private const string Context = """{"device":{"ip":"2001:db8::1","score":1.50,"none":null},"words":["Zoë","\ud83d\ude00"]}""";

    [Test]
    public async Task It_reaches_the_validator_and_the_notifier_as_it_is_and_not_the_device()
    {
        var seen = new ConcurrentQueue<string?>();
        await using var host = new CibaHost
        {
            Setup = ciba =>
            {
                ciba.Services.AddSingleton(seen);
                ciba.AddRequestValidator<Weighing>();
            },
        };

        var answer = await host.AuthorizeAsync(("request_context", Context));
        var told = await host.Devices.NextAsync();
        var shown = await host.DeviceAsync(HttpMethod.Get, $"/requests/{told.Id}", "alice");
        await host.AuthorizeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
            Assert.That(told.RequestContext?.GetRawText(), Is.EqualTo(Context));
            Assert.That((await host.Devices.NextAsync()).RequestContext, Is.Null);
            Assert.That(seen, Is.EqualTo(new[] { Context, null }));
            Assert.That(shown.Body, Does.Contain("\"client_id\"").And.Not.Contain("2001:db8").And.Not.Contain("context"));
        }
    }

    [TestCase("{"), TestCase("[]"), TestCase("null"), TestCase("\"{}\""), TestCase("{}x"), TestCase("""{"a":1,"a":2}"""), TestCase("""{"a":{"b":1,"\u0062":2}}""")]
    [TestCase("""{"a":"\ud800"}""", TestName = "{m}(half a surrogate pair)"), TestCase("""{"a":[[[[[[[[]]]]]]]]}""", TestName = "{m}(9 levels)"), Spec("A20")]
    public async Task What_is_no_object_is_refused(string json)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("request_context", json));

        await Refusal.LeavesNothingAsync(host, answer, "invalid_request");
        Assert.That(answer.Description, Is.EqualTo("request_context is a JSON object of 4096 characters and 8 levels at most, without a name twice in an object."));
    }

    [TestCase(4096, true), TestCase(4097, false), Spec("A20")]
    public async Task It_is_only_so_long(int length, bool isTaken)
    {
        await using var host = new CibaHost();

        var answer = await host.AuthorizeAsync(("request_context", $"{{\"a\":\"{new string('x', length - 8)}\"}}"));

        Assert.That(answer.Error, Is.EqualTo(isTaken ? null : "invalid_request"));
    }

    [Test]
    public async Task It_is_in_no_log()
    {
        await using var host = new CibaHost();

        await host.TokensAsync(null, ("request_context", Context), ("claims", """{"id_token":{"email":{"value":"secret@example.com"}}}"""));

        Assert.That(host.Log.Ours.Select(line => line.Text), Has.None.Contains("2001:db8").And.None.Contains("secret@example.com"));
    }

    private sealed class Weighing(ConcurrentQueue<string?> seen) : ICibaRequestValidator
    {
        public ValueTask<CibaError?> ValidateAsync(CibaRequest request, CibaClient client, CancellationToken cancellationToken)
        {
            seen.Enqueue(request.RequestContext?.GetRawText());
            return new((CibaError?)null);
        }
    }
}
