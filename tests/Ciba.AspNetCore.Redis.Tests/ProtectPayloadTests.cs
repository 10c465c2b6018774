using System.Text;
using Ciba.AspNetCore.Redis.Store;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>Records that Redis, and who reads it, cannot read.</summary>
[TestFixtureSource(typeof(RedisServers), nameof(RedisServers.Kinds))]
public sealed class ProtectPayloadTests(string kind) : IDisposable
{
    private readonly string _prefix = RedisNode.NewPrefix();
    private readonly ManualTime _time = new();
    private readonly DirectoryInfo _keyRing = Directory.CreateTempSubdirectory("ciba-keys-");

    private DateTimeOffset Now => _time.GetUtcNow();

    public void Dispose() => _keyRing.Delete(recursive: true);

    [Test]
    public async Task Nothing_of_a_request_and_its_answer_can_be_read_in_Redis()
    {
        await using var node = Node(0);
        var request = await node.Store.AddedAsync(Now);
        await node.Store.ApproveAsync(request, Now);

        var record = Encoding.Latin1.GetString((await RecordAsync(request))!);

        Assert.That(record, Does.Not.Contain("W4SCT").And.Not.Contain("alice").And.Not.Contain("client").And.Not.Contain("openid").And.Not.Contain("face"));
    }

    [Test]
    public async Task Another_node_with_the_same_keys_reads_it()
    {
        await using var one = Node(0);
        await using var other = Node(1);
        var request = await one.Store.AddedAsync(Now);

        var listed = await other.Store.ListPendingAsync(Requests.Alice, Now, CancellationToken.None);
        await other.Store.ApproveAsync(request, Now);
        var found = await one.Store.PollAsync(request, Now);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(listed.Single().BindingMessage, Is.EqualTo("W4SCT"));
            Assert.That(found.Request!.Subject, Is.EqualTo("alice"));
            Assert.That(found.Decision!.Amr, Is.EqualTo(new[] { "face" }));
        }
    }

    [Test]
    public async Task What_an_older_key_protected_is_read_after_a_rotation()
    {
        await using var before = Node(0);
        var request = await before.Store.AddedAsync(Now);
        var created = TimeProvider.System.GetUtcNow();
        before.Get<IKeyManager>().CreateNewKey(created, created.AddDays(30));
        await using var after = Node(1);
        var next = await after.Store.AddedAsync(Now);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await after.Store.ListPendingAsync(Requests.Alice, Now, CancellationToken.None)).Select(found => found.Id), Is.EquivalentTo(new[] { request.Id, next.Id }));
            Assert.That(await KeyIdsAsync(request, next), Is.Unique, "the new node protects with the new key");
        }
    }

    [Test]
    public async Task A_node_without_the_key_refuses_and_gives_the_lease_back()
    {
        await using var node = Node(0);
        var request = await node.Store.AddedAsync(Now);
        await node.Store.ApproveAsync(request, Now);
        await using var stranger = RedisNode.On(RedisServers.Get(kind), 1, _prefix, _time, options => options.ProtectPayload = true, UseEphemeralKeys);

        Assert.That(() => stranger.Store.PollAsync(request, Now).AsTask(), Throws.Exception);

        // Taken back on the same connection, so it has happened when this poll of the stranger's is answered.
        await stranger.Store.PollAsync(Requests.New(Now), Now);
        Assert.That((await node.Store.PollAsync(request, Now)).Status, Is.EqualTo(CibaPollStatus.Approved));
    }

    [Test]
    public async Task An_approval_that_is_copied_from_another_request_is_worth_nothing()
    {
        await using var node = Node(0);
        var mine = await node.Store.AddedAsync(Now, "mallory");
        var hers = await node.Store.AddedAsync(Now);
        await node.Store.ApproveAsync(mine, Now);
        var approved = (await RecordAsync(mine))!;
        var pending = (await RecordAsync(hers))!;
        var approval = RequestRecord.Section(RequestRecord.Decided, RequestRecord.Find(RequestRecord.ReadHead(approved, default).Sections, RequestRecord.Decided));
        pending[80] = (byte)'A';
        await (await DatabaseAsync()).StringSetAsync(Key(hers), (byte[])[.. pending, .. approval]);

        Assert.That(() => node.Store.PollAsync(hers, Now).AsTask(), Throws.Exception);
    }

    [Test]
    public async Task A_user_to_whom_the_head_was_made_over_sees_nothing_and_approves_nothing()
    {
        await using var node = Node(0);
        var request = await node.Store.AddedAsync(Now);
        var record = (await RecordAsync(request))!;
        RequestRecord.Digest("mallory").CopyTo(record, 18);
        await (await DatabaseAsync()).StringSetAsync(Key(request), record);

        var seen = await node.Store.GetAsync(request.Id, "mallory", Now, CancellationToken.None);
        await node.Store.DecideAsync(request.Id, "mallory", new CibaDecision { Outcome = CibaRequestStatus.Approved, DecidedAt = Now, Scopes = ["openid"] }, Now, CancellationToken.None);
        record = (await RecordAsync(request))!;
        RequestRecord.Digest("alice").CopyTo(record, 18);
        await (await DatabaseAsync()).StringSetAsync(Key(request), record);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(seen, Is.Null);
            Assert.That(() => node.Store.PollAsync(request, Now).AsTask(), Throws.Exception);
        }
    }

    [Test]
    public async Task A_claim_of_approval_without_one_is_worth_nothing([Values] bool protect)
    {
        await using var node = RedisNode.On(RedisServers.Get(kind), 0, _prefix, _time, options => options.ProtectPayload = protect, UseKeyRing);
        var request = await node.Store.AddedAsync(Now);
        var record = (await RecordAsync(request))!;
        record[80] = (byte)'A';
        await (await DatabaseAsync()).StringSetAsync(Key(request), record);

        Assert.That(() => node.Store.PollAsync(request, Now).AsTask(), Throws.Exception);
    }

    private RedisNode Node(int number) => RedisNode.On(RedisServers.Get(kind), number, _prefix, _time, options => options.ProtectPayload = true, UseKeyRing);

    private void UseKeyRing(IServiceCollection services) => services.AddDataProtection().SetApplicationName("test").PersistKeysToFileSystem(_keyRing);

    private static void UseEphemeralKeys(IServiceCollection services) => services.AddDataProtection().UseEphemeralDataProtectionProvider();

    // The payload of Data Protection begins with four bytes of its own and the identifier of the key.
    private async Task<List<string>> KeyIdsAsync(params CibaRequest[] requests)
    {
        var ids = new List<string>();
        foreach (var request in requests)
        {
            ids.Add(Convert.ToHexString(RequestRecord.Find(RequestRecord.ReadHead((await RecordAsync(request))!, default).Sections, RequestRecord.Asked)[4..20]));
        }

        return ids;
    }

    private RedisKey Key(CibaRequest request) => new RedisKeys(_prefix).Request(request.Id);

    private async Task<byte[]?> RecordAsync(CibaRequest request) => await (await DatabaseAsync()).StringGetAsync(Key(request));

    private async Task<IDatabase> DatabaseAsync() => (await RedisNode.SharedAsync(RedisServers.Get(kind), 0)).GetDatabase();
}
