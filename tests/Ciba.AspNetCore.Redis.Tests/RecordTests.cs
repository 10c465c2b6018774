using System.Globalization;
using System.Text;
using Ciba.AspNetCore.Redis.Store;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>What is written must be read by the next version, and what the next version adds must survive this one.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
public sealed class RecordTests(string kind)
{
    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _time = new();

    private DateTimeOffset Now => _time.GetUtcNow();

    // What follows from version, length of the head, and mode, which stand around it.
    private const string GoldenHead =
        "948FE603F61DC036B5C596DC09FE3CE3" // SHA-256 of client
        + "2BD806C97F0E00AF1A1FC3328FA763A9" // SHA-256 of alice
        + "0249D102F4A000" + "0249D14A7B2C00" + "0249D16E3E7200" // created, expires, retained: ticks since 2024
        + "00000002FAF080" // interval of 5 s
        + "00000000000000" + "00000000000000" + "00000000" // next poll, polled, node
        + "50" // pending
        + "00000000000000" + "2D2D2D2D2D2D2D2D2D2D2D2D2D2D2D2D2D2D2D2D2D2D"; // no lease

    private const string GoldenAsked =
        """{"client_id":"client","client_name":"The Client","sub":"alice","scope":["openid","profile"],"binding_message":"W4SCT","acr_values":["urn:acr:1"],"interval":50000000}""";

    /// <summary>A change here is a change of the format: nodes of two versions run side by side during an update.</summary>
    [Test]
    public void The_format_of_a_record_is_the_one_that_was_agreed_on()
    {
        var record = RequestRecord.Write(Golden(), default, AskedPayload.Write(Golden()));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Convert.ToHexString(record.AsSpan(0, 111)), Is.EqualTo(
                "316F" // version 1, head of 111 bytes
                + GoldenHead
                + "70")); // poll
            Assert.That(Encoding.UTF8.GetString(record, 115, record.Length - 115), Is.EqualTo(GoldenAsked));
            Assert.That(Convert.ToHexString(record.AsSpan(111, 4)), Is.EqualTo("71" + (record.Length - 115).ToString("X6", CultureInfo.InvariantCulture)));
        }
    }

    [TestCase(CibaTokenDeliveryModes.Ping, "69"), TestCase(CibaTokenDeliveryModes.Push, "75")]
    public void The_format_of_a_record_with_a_callback_is_the_one_that_was_agreed_on(string mode, string letter)
    {
        var request = Requests.New(Now, mode: mode);
        var asked = AskedPayload.Write(request);

        var record = RequestRecord.Write(request, default, asked, "what a callback needs"u8);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Convert.ToHexString(record.AsSpan(0, 111)), Is.EqualTo("316F" + GoldenHead + letter));
            Assert.That(Encoding.UTF8.GetString(asked), Is.EqualTo(GoldenAsked));
            Assert.That(Encoding.UTF8.GetString(record, 115 + asked.Length, record.Length - asked.Length - 115), Is.EqualTo("c\0\0\u0015what a callback needs"));
            Assert.That(Encoding.UTF8.GetString(CallbackPayload.Write(new CibaCallback("an-auth_req_id", "a.token"))), Is.EqualTo(
                """{"auth_req_id":"an-auth_req_id","client_notification_token":"a.token"}"""));
        }
    }

    /// <summary>Records of this kind lie in Redis while the nodes are updated.</summary>
    [Test]
    public async Task A_record_without_a_delivery_mode_is_a_polls_from_its_beginning_to_its_end()
    {
        await using var node = RedisNode.On(RedisServers.Get(kind), 0, _prefix, _time);
        var request = await node.Store.AddedAsync(Now);
        byte[] old = [.. Convert.FromHexString("316E" + GoldenHead), .. RequestRecord.Section(RequestRecord.Asked, Encoding.UTF8.GetBytes(GoldenAsked))];
        await ChangeAsync(request, _ => old);

        var listed = await node.Store.ListPendingAsync(Requests.Alice, Now, CancellationToken.None);
        CibaPollStatus[] polled = [(await node.Store.PollAsync(request, Now)).Status, (await node.Store.PollAsync(request, Now)).Status];
        await (await DatabaseAsync()).SortedSetAddAsync(new RedisKeys(_prefix).Outbox(request.Id[0]), request.Id[1..], 0);
        var entry = await node.Store.ClaimAsync(request, Now);
        var decided = await node.Store.ApproveAsync(request, Now);
        var left = await (await DatabaseAsync()).KeyExistsAsync(new RedisKeys(_prefix).Outbox(request.Id[0]));
        var leased = await node.Store.PollAsync(request, Now);
        var completed = await node.Store.CompleteAsync(request.Id, leased.Lease!, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(new[] { listed.Single().TokenDeliveryMode, entry!.Request.TokenDeliveryMode, leased.Request!.TokenDeliveryMode }, Is.All.EqualTo(CibaTokenDeliveryModes.Poll));
            Assert.That(listed.Single().BindingMessage, Is.EqualTo("W4SCT"));
            Assert.That(polled, Is.EqualTo(new[] { CibaPollStatus.Pending, CibaPollStatus.SlowDown }));
            Assert.That((decided, left, completed), Is.EqualTo((CibaDecideResult.Done, false, true)));
            Assert.That(leased.Decision!.Acr, Is.EqualTo("urn:acr:1"));
        }
    }

    [Test]
    public void The_format_of_a_decision_is_the_one_that_was_agreed_on()
    {
        var decision = new CibaDecision { Outcome = CibaRequestStatus.Approved, DecidedAt = Now, Scopes = ["openid"], AuthTime = Now, Acr = "urn:acr:1", Amr = ["face"] };

        var section = RequestRecord.Section(RequestRecord.Decided, DecidedPayload.Write(decision, "alice"));

        Assert.That(Encoding.UTF8.GetString(section, 4, section.Length - 4), Is.EqualTo(
            """{"outcome":"Approved","sub":"alice","decided_at":639040752000000000,"scope":["openid"],"auth_time":639040752000000000,"acr":"urn:acr:1","amr":["face"]}"""));
        Assert.That(section[0], Is.EqualTo((byte)'d'));
    }

    [Test]
    public async Task What_a_next_version_adds_is_read_around_and_survives_every_step()
    {
        await using var node = RedisNode.On(RedisServers.Get(kind), 0, _prefix, _time);
        var request = await node.Store.AddedAsync(Now);
        await ChangeAsync(request, record =>
        {
            var json = Encoding.UTF8.GetString(record, 115, record.Length - 115).Replace("{\"client_id\"", "{\"new_field\":{\"a\":[1]},\"client_id\"", StringComparison.Ordinal);
            byte[] head = [.. record[..111], .. "longer head"u8];
            head[1] = 122;
            return [.. head, .. RequestRecord.Section('x', "new section"u8), .. RequestRecord.Section(RequestRecord.Asked, Encoding.UTF8.GetBytes(json))];
        });

        var listed = await node.Store.ListPendingAsync(Requests.Alice, Now, CancellationToken.None);
        var pending = await node.Store.PollAsync(request, Now);
        await node.Store.PollAsync(request, Now);
        await node.Store.ApproveAsync(request, Now);
        var leased = await node.Store.PollAsync(request, Now);
        var completed = await node.Store.CompleteAsync(request.Id, leased.Lease!, CancellationToken.None);

        var left = Encoding.UTF8.GetString((await RecordAsync(request))!);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(listed.Single().BindingMessage, Is.EqualTo("W4SCT"));
            Assert.That(pending.Status, Is.EqualTo(CibaPollStatus.Pending));
            Assert.That(leased.Request!.Scopes, Is.EqualTo(request.Scopes));
            Assert.That(leased.Decision!.Acr, Is.EqualTo("urn:acr:1"));
            Assert.That(completed, Is.True);
            Assert.That(left, Does.Contain("longer head").And.Contain("new section").And.Contain("\"new_field\":{\"a\":[1]}"));
        }
    }

    [Test]
    public async Task What_a_version_wrote_that_this_one_cannot_live_with_is_left_alone_and_said()
    {
        await using var node = RedisNode.On(RedisServers.Get(kind), 0, _prefix, _time);
        var request = await node.Store.AddedAsync(Now);
        await ChangeAsync(request, record => [(byte)'2', .. record[1..]]);
        var before = await RecordAsync(request);
        var none = CancellationToken.None;

        Func<Task>[] steps =
        [
            () => node.Store.PollAsync(request, Now).AsTask(),
            () => node.Store.ApproveAsync(request, Now).AsTask(),
            () => node.Store.RemoveAsync(request.Id, request.Subject, none).AsTask(),
            () => node.Store.CompleteAsync(request.Id, "lease", none).AsTask(),
            () => node.Store.GetAsync(request.Id, request.Subject, Now, none).AsTask(),
        ];

        using (Assert.EnterMultipleScope())
        {
            foreach (var step in steps)
            {
                Assert.That(step, Throws.TypeOf<CibaStoreUnavailableException>().With.Message.Contains("newer version"));
            }

            Assert.That(await RecordAsync(request), Is.EqualTo(before));
        }
    }

    [Test]
    public async Task A_status_of_a_next_version_is_not_taken_for_another()
    {
        await using var node = RedisNode.On(RedisServers.Get(kind), 0, _prefix, _time);
        var request = await node.Store.AddedAsync(Now);
        await ChangeAsync(request, record => [.. record[..80], (byte)'Z', .. record[81..]]);

        Assert.That(() => node.Store.PollAsync(request, Now).AsTask(), Throws.TypeOf<CibaStoreUnavailableException>().With.Message.Contains("newer version"));
    }

    [Test]
    public async Task A_pending_poll_writes_the_poll_time_and_leaves_the_rest()
    {
        await using var node = RedisNode.On(RedisServers.Get(kind), 0, _prefix, _time);
        var request = await node.Store.AddedAsync(Now);
        var before = (await RecordAsync(request))!;

        await node.Store.PollAsync(request, Now);

        var after = (await RecordAsync(request))!;
        int[] changed = [.. Enumerable.Range(0, before.Length).Where(i => before[i] != after[i])];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(after, Has.Length.EqualTo(before.Length));
            Assert.That(changed, Is.Not.Empty);
            Assert.That(changed, Is.All.InRange(62, 79));
        }
    }

    [Test]
    public async Task One_record_that_cannot_be_read_hides_no_other()
    {
        await using var node = RedisNode.On(RedisServers.Get(kind), 0, _prefix, _time);
        var broken = await node.Store.AddedAsync(Now);
        var newer = await node.Store.AddedAsync(Now);
        var good = await node.Store.AddedAsync(Now);
        await ChangeAsync(broken, record => [.. record[..^5], 0, 0, 0, 0, 0]);
        await ChangeAsync(newer, record => [(byte)'2', .. record[1..]]);

        var listed = await node.Store.ListPendingAsync(Requests.Alice, Now, CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(listed.Select(request => request.Id), Is.EqualTo(new[] { good.Id }));
            Assert.That(await node.Store.GetAsync(broken.Id, broken.Subject, Now, CancellationToken.None), Is.Null);
        }
    }

    private CibaRequest Golden() => Requests.New(Now);

    private RedisKey Key(CibaRequest request) => new RedisKeys(_prefix).Request(request.Id);

    private async Task<byte[]?> RecordAsync(CibaRequest request) => await (await DatabaseAsync()).StringGetAsync(Key(request));

    private async Task ChangeAsync(CibaRequest request, Func<byte[], byte[]> change) =>
        await (await DatabaseAsync()).StringSetAsync(Key(request), change((await RecordAsync(request))!), TimeSpan.FromMinutes(3));

    private async Task<IDatabase> DatabaseAsync() => (await RedisNode.SharedAsync(RedisServers.Get(kind), 0)).GetDatabase();
}
