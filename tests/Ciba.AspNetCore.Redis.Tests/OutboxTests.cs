using System.Text;
using Ciba.AspNetCore.Redis.Store;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Moq;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>What a callback needs lies encrypted in Redis, and an entry that cannot be read is in nobody's way.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
public sealed class OutboxTests(string kind) : IDisposable
{
    private const int StatusAt = 80;
    private const int ModeAt = 110;

    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _time = new();
    private readonly LogRecorder _log = new();

    private DateTimeOffset Now => _time.GetUtcNow();

    public void Dispose() => _log.Dispose();

    [Test, Spec("A17"), Spec("P9")]
    public async Task The_secrets_of_a_callback_are_nowhere_in_the_clear([Values] bool protectPayload)
    {
        await using var node = Node(0, configure: options => options.ProtectPayload = protectPayload);
        var request = await node.Store.DueAddedAsync(Now);
        var added = await EverythingAsync();
        await node.Store.ClaimAsync(request, Now);
        await node.Store.ApproveAsync(request, Now);
        var entry = await node.Store.ClaimAsync(request, Now);
        var held = await EverythingAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(entry!.Request.Callback, Is.EqualTo(request.Callback));
            Assert.That(added, Does.Contain(request.Id[1..]).And.Contain("}:o"));
            foreach (var text in new[] { added, held, string.Join('\n', _log.Ours) })
            {
                Assert.That(text, Does.Not.Contain(request.Callback!.AuthReqId[1..]).And.Not.Contain(Requests.NotificationToken).And.Not.Contain("client_notification_token"));
            }
        }
    }

    [Test, Spec("P9")]
    public async Task An_entry_whose_keys_a_node_does_not_have_is_left_for_another_and_keeps_nobody_waiting()
    {
        await using var owner = Node(0);
        await using var stranger = Node(1, services => services.AddSingleton<IDataProtectionProvider>(new EphemeralDataProtectionProvider()));
        var request = await owner.Store.DueAddedAsync(Now);
        var readable = await stranger.Store.DueAddedAsync(Now);

        var ofStranger = await stranger.Store.ClaimDueAsync(Now);
        var errors = _log.Ours.Where(line => line.Level == LogLevel.Error).ToList();
        var ofOwner = (await owner.Store.ClaimDueAsync(Now)).Single();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ofStranger.Single().Request.Id, Is.EqualTo(readable.Id));
            Assert.That(errors.Single().Text, Does.Contain(request.Id[..10]).And.Contain("Data Protection keys").And.Not.Contain(request.Id[..11]));
            Assert.That(ofOwner.Request.Callback, Is.EqualTo(request.Callback));
        }
    }

    [TestCase("newer version"), TestCase("broken"), TestCase("cut off"), TestCase("unknown status"), TestCase("unknown mode"), TestCase("approval that is none"), Spec("P9")]
    public async Task An_entry_that_cannot_be_read_keeps_no_other_waiting_and_is_tried_again_later(string change)
    {
        await using var node = Node(0);
        var strange = await node.Store.DueAddedAsync(Now);
        var good = await node.Store.DueAddedAsync(Now);
        var before = (await RecordAsync(strange))!;
        await WriteAsync(strange, change switch
        {
            "newer version" => [(byte)'2', .. before[1..]],
            "broken" => [.. before[..120], .. new byte[before.Length - 120]],
            "cut off" => before[..40],
            "unknown status" => [.. before[..StatusAt], (byte)'Z', .. before[(StatusAt + 1)..]],
            "unknown mode" => [.. before[..ModeAt], (byte)'z', .. before[(ModeAt + 1)..]],
            _ => [.. before[..StatusAt], (byte)'A', .. before[(StatusAt + 1)..]],
        });

        var claimed = await node.Store.ClaimDueAsync(Now);
        await WriteAsync(strange, before);
        var again = await node.Store.ClaimDueAsync(Now);
        _time.Advance(Requests.Hold);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(claimed.Single().Request.Id, Is.EqualTo(good.Id));
            Assert.That(again, Is.Empty, "left to other nodes");
            Assert.That((await node.Store.ClaimAsync(strange, Now))!.Request.Id, Is.EqualTo(strange.Id));
        }
    }

    [Test, Spec("A17")]
    public async Task A_callback_that_is_copied_from_another_request_is_worth_nothing()
    {
        await using var node = Node(0);
        var one = await node.Store.DueAddedAsync(Now, "one");
        var other = await node.Store.DueAddedAsync(Now, "other");
        var record = (await RecordAsync(one))!;
        var copied = RequestRecord.Section(RequestRecord.Callback, RequestRecord.Find(RequestRecord.ReadHead((await RecordAsync(other))!, default).Sections, RequestRecord.Callback));
        await WriteAsync(one, [.. record[..^copied.Length], .. copied]);

        Assert.That(await node.Store.ClaimAsync(one, Now), Is.Null);
    }

    [Test]
    public async Task Whoever_has_no_ping_and_no_push_needs_no_keys()
    {
        var keys = new Mock<IDataProtectionProvider>(MockBehavior.Strict);
        await using var node = Node(0, services => services.AddSingleton(keys.Object));
        var request = await node.Store.DueAddedAsync(Now, mode: CibaTokenDeliveryModes.Poll);

        var entry = await node.Store.ClaimAsync(request, Now);
        var settled = await node.Store.SettleAsync(request.Id, entry!.HeldUntil, CibaSettlement.Done, CancellationToken.None);
        await node.Store.ApproveAsync(request, Now);
        var polled = await node.Store.PollAsync(request, Now);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(settled, Is.True);
            Assert.That(polled.Status, Is.EqualTo(CibaPollStatus.Approved));
            keys.Verify(provider => provider.CreateProtector(It.IsAny<string>()), Times.Never);
        }
    }

    [Test]
    public async Task What_is_asked_after_a_claim_shows_no_callback()
    {
        await using var node = Node(0);
        var request = await node.Store.DueAddedAsync(Now);
        var listed = await node.Store.ListPendingAsync(Requests.Alice, Now, CancellationToken.None);
        var got = await node.Store.GetAsync(request.Id, Requests.Alice, Now, CancellationToken.None);
        await node.Store.ApproveAsync(request, Now);
        var polled = await node.Store.PollAsync(request, Now);

        CibaRequest[] seen = [listed.Single(), got!.Request, polled.Request!];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(seen.Select(found => found.Callback), Is.All.Null);
            Assert.That(seen.Select(found => found.TokenDeliveryMode), Is.All.EqualTo(CibaTokenDeliveryModes.Ping));
        }
    }

    [Test, Spec("P9")]
    public async Task What_is_gone_from_Redis_goes_from_the_outbox_at_the_next_look()
    {
        await using var node = Node(0);
        var request = await node.Store.DueAddedAsync(Now);
        await (await DatabaseAsync()).KeyDeleteAsync(Key(request));

        var claimed = await node.Store.ClaimDueAsync(Now);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(claimed, Is.Empty);
            Assert.That(await (await DatabaseAsync()).KeyExistsAsync(new RedisKeys(_prefix).Outbox(request.Id[0])), Is.False);
        }
    }

    [TestCase(2027), TestCase(2051), Spec("P9")]
    public async Task Instants_are_told_apart_to_the_tick_in_years_to_come(int year)
    {
        _time.Advance(new DateTimeOffset(year, 12, 31, 23, 59, 59, TimeSpan.Zero).AddTicks(9_876_543) - Now);
        var tick = TimeSpan.FromTicks(1);
        var none = CancellationToken.None;
        await using var node = Node(0);
        var request = Requests.Due(Now, dueAt: Now + tick);
        await node.Store.AddAsync(request, default, none);
        var early = await node.Store.ClaimDueAsync(Now);
        var claimed = await node.Store.ClaimDueAsync(Now + tick);
        var heldUntil = Now + tick + Requests.Hold;
        bool[] settled =
        [
            await node.Store.SettleAsync(request.Id, heldUntil - tick, CibaSettlement.Done, none),
            await node.Store.SettleAsync(request.Id, heldUntil + tick, CibaSettlement.Done, none),
        ];
        await node.Store.ApproveAsync(request, heldUntil);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(early, Is.Empty);
            Assert.That(claimed.Single().HeldUntil, Is.EqualTo(heldUntil));
            Assert.That(settled, Is.All.False);
            Assert.That(await node.Store.SettleAsync(request.Id, heldUntil, CibaSettlement.Done, none), Is.False, "the decision has taken it");
            Assert.That((await node.Store.ClaimDueAsync(heldUntil)).Single().Status, Is.EqualTo(CibaRequestStatus.Approved));
        }
    }

    [Test, Spec("P9")]
    public async Task A_request_whose_acknowledgement_is_lost_is_taken_back_from_the_outbox_too()
    {
        await using var proxy = new FaultProxy(RedisServers.Get(kind));
        await RedisServers.Get(kind).LoadScriptsAsync();
        await using var node = RedisNode.On(proxy.Endpoint, _prefix, _time);
        await node.Store.ClaimDueAsync(Now);

        proxy.DropAnswers();
        var add = node.Store.AddAsync(Requests.Due(Now), default, CancellationToken.None).AsTask();
        await RedisHosts.UntilAsync(async () => (await KeysAsync()).Length == 3);
        proxy.CutAll();
        proxy.Resume();
        Assert.That(() => add.WaitAsync(RedisHosts.Bound), Throws.TypeOf<CibaStoreUnavailableException>());
        await RedisHosts.UntilAsync(() => IsBackAsync(node));
        _time.Advance(TimeSpan.FromSeconds(1));

        await RedisHosts.UntilAsync(async () => (await KeysAsync()).Length == 0, _time);
    }

    private async Task<bool> IsBackAsync(RedisNode node)
    {
        try
        {
            return await node.Store.ClaimAsync(Requests.Due(Now), Now) is null;
        }
        catch (CibaStoreUnavailableException)
        {
            return false;
        }
    }

    private RedisNode Node(int number, Action<IServiceCollection>? add = null, Action<CibaRedisOptions>? configure = null) =>
        RedisNode.On(RedisServers.Get(kind), number, _prefix, _time, configure, services =>
        {
            services.AddLogging(logging => logging.AddProvider(_log).SetMinimumLevel(LogLevel.Trace));
            add?.Invoke(services);
        });

    /// <summary>All keys and all that they hold.</summary>
    private async Task<string> EverythingAsync()
    {
        var database = await DatabaseAsync();
        var everything = new StringBuilder();
        foreach (var key in await KeysAsync())
        {
            everything.AppendLine(key);
            if (await database.KeyTypeAsync(key) == RedisType.String)
            {
                everything.AppendLine(Encoding.Latin1.GetString((await database.StringGetAsync(key))!));
                continue;
            }

            foreach (var member in await database.SortedSetRangeByRankAsync(key))
            {
                everything.AppendLine(Encoding.Latin1.GetString(member!));
            }
        }

        return everything.ToString();
    }

    private async Task<string[]> KeysAsync() => (await RedisServers.Get(kind).AskAsync("KEYS", $"*{_prefix}*")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private RedisKey Key(CibaRequest request) => new RedisKeys(_prefix).Request(request.Id);

    private async Task<byte[]?> RecordAsync(CibaRequest request) => await (await DatabaseAsync()).StringGetAsync(Key(request));

    private async Task WriteAsync(CibaRequest request, byte[] record) => await (await DatabaseAsync()).StringSetAsync(Key(request), record, TimeSpan.FromMinutes(3));

    private async Task<IDatabase> DatabaseAsync() => (await RedisNode.SharedAsync(RedisServers.Get(kind), 0)).GetDatabase();
}
