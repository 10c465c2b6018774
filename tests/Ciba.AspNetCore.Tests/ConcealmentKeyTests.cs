using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Ciba.AspNetCore.Tests;

/// <summary>Section 15: the key under which the <c>auth_req_id</c> shows nothing of the user, on one node and on several.</summary>
public sealed class ConcealmentKeyTests
{
    private const string Key = "a key of thirty-two characters..";
    private const string OtherKey = "another key, as long as the first";
    private const string NoKey = "CibaOptions: ConcealUnknownUsers needs a ConcealmentKey, the same on every node, where the store is not in memory.";

    private readonly MemoryCibaRequestStore _shared = new(new ManualTime());

    [TearDown]
    public void TearDown() => _shared.Dispose();

    [Test, Spec("A17")]
    public async Task Nodes_with_the_same_key_know_each_others_requests([Values] bool conceal)
    {
        await using var first = Host(Key, conceal);
        await using var second = Host(Key, conceal);
        var id = (await first.AuthorizeAsync()).AuthReqId;

        await second.ApproveAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await second.HandleAsync(id), Is.EqualTo(await first.HandleAsync(id)));
            Assert.That((await second.PollAsync(id)).Status, Is.EqualTo(HttpStatusCode.OK));
        }
    }

    [TestCase(OtherKey, true), TestCase(OtherKey, false), TestCase(null, true), TestCase(null, false)]
    public async Task Under_another_key_or_none_a_request_is_not_found(string? key, bool conceal)
    {
        await using var first = Host(Key, conceal);
        await using var second = Host(key, conceal);
        var id = (await first.AuthorizeAsync()).AuthReqId;

        using (Assert.EnterMultipleScope())
        {
            Assert.That((await second.PollAsync(id)).Error, Is.EqualTo("invalid_grant"));
            Assert.That((await first.PollAsync(id)).Error, Is.EqualTo("authorization_pending"));
        }
    }

    [TestCase(Key, true), TestCase(Key, false), TestCase(null, true), Spec("A17"), Spec("A15")]
    public async Task The_auth_req_id_does_not_show_the_shard_of_the_user(string? key, bool conceal)
    {
        await using var host = Host(key, conceal);
        var ids = await ManyAsync(host, 200);
        var handles = await Task.WhenAll(ids.Select(host.HandleAsync));

        var counts = ids.CountBy(id => id[0]).Select(count => count.Value).ToList();
        using (Assert.EnterMultipleScope())
        {
            // Of 64 characters 200 throws show 61, the most frequent of them 8 times or so.
            Assert.That(counts, Has.Count.GreaterThan(45));
            Assert.That(counts, Is.All.LessThan(25));
            Assert.That(handles.Select(handle => handle[0]), Is.All.EqualTo(CibaRequestId.Shard("sub-alice")));
            Assert.That(handles, Is.Unique);
            Assert.That(ids, Is.All.Matches("^[A-Za-z0-9_-]{44}$"));
        }
    }

    [Test, Spec("A17")]
    public async Task Without_a_key_and_nobody_to_conceal_it_is_the_shard_of_the_user()
    {
        await using var host = Host(null, conceal: false);

        Assert.That((await ManyAsync(host, 20)).Select(id => id[0]), Is.All.EqualTo(CibaRequestId.Shard("sub-alice")));
    }

    [Test]
    public async Task A_request_whose_first_character_is_changed_is_another_one()
    {
        await using var host = Host(Key);
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var answer = await host.PollAsync((id[0] == 'A' ? 'B' : 'A') + id[1..]);

        Assert.That(answer.Error, Is.EqualTo("invalid_grant"));
    }

    [Test, Spec("A15"), Spec("U5")]
    public async Task Nobody_has_one_limit_on_all_nodes()
    {
        await using var first = Host(Key, options: options => options.Limits.PendingPerUser = 2);
        await using var second = Host(Key, options: options => options.Limits.PendingPerUser = 2);

        Answer[] answers =
        [
            await first.AuthorizeAsync(("login_hint", "nobody")),
            await second.AuthorizeAsync(("login_hint", "nobody")),
            await first.AuthorizeAsync(("login_hint", "nobody")),
            await second.AuthorizeAsync(("login_hint", "nobody")),
            await second.AuthorizeAsync(("login_hint", "no one else")),
        ];

        Assert.That(answers.Select(answer => answer.Error), Is.EqualTo(new[] { null, null, "access_denied", "access_denied", null }));
    }

    [Test, Spec("D7")]
    public async Task A_store_for_several_nodes_conceals_nobody_without_a_key()
    {
        await using var host = new CibaHost { Options = options => options.ConcealUnknownUsers = true, Setup = new HookedStore().Use };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { NoKey }));
    }

    [TestCase(true, Key), TestCase(false, Key), TestCase(false, null), Spec("D7")]
    public async Task A_store_for_several_nodes_starts_with_a_key_or_with_nobody_to_conceal(bool conceal, string? key)
    {
        await using var host = new CibaHost { Options = options => (options.ConcealUnknownUsers, options.ConcealmentKey) = (conceal, key), Setup = new HookedStore().Use };

        Assert.That((await host.AuthorizeAsync()).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [TestCase(""), TestCase("a key of thirty-one characters."), Spec("D7")]
    public async Task A_key_that_is_too_short_is_found_out_at_the_start(string key)
    {
        await using var host = Host(key);

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { "CibaOptions: ConcealmentKey must have 32 characters at least." }));
    }

    [TestCase(Key), TestCase(null), TestCase("ein Schlüssel mit Umläuten, 日本語 auch")]
    public async Task The_handle_that_a_host_works_out_by_itself_is_the_stores(string? key)
    {
        await using var host = Host(key, conceal: false);
        var id = (await host.AuthorizeAsync()).AuthReqId;

        var handle = CibaRequestId.FromAuthReqId(id, key);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(handle, Is.EqualTo(await host.HandleAsync(id)));
            Assert.That((await host.Devices.NextAsync()).Id, Is.EqualTo(handle));
            Assert.That(CibaRequestId.IsId(handle), Is.True);
        }
    }

    [TestCase("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", true)]
    [TestCase("_-zZ09AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", true)]
    [TestCase("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false)]
    [TestCase("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false)]
    [TestCase("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false)]
    [TestCase("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\u00e4A", false)]
    [TestCase("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", false)]
    [TestCase("AAAAAAAAAAAAAAAAAAAA{}AAAAAAAAAAAAAAAAAAAAAA", false)]
    [TestCase("AAAAAAAAAAAAAAAAAAAA:*AAAAAAAAAAAAAAAAAAAAAA", false)]
    [TestCase("\0AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false)]
    [TestCase("", false)]
    [TestCase(null, false)]
    public void A_handle_is_known_by_its_length_and_its_characters(string? text, bool isId)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(CibaRequestId.IsId(text), Is.EqualTo(isId));
            Assert.That(CibaRequestId.FromAuthReqId(text) is not null, Is.EqualTo(isId));
            Assert.That(CibaRequestId.FromAuthReqId(text, Key) is not null, Is.EqualTo(isId));
        }
    }

    private CibaHost Host(string? key, bool conceal = true, Action<CibaOptions>? options = null) => new()
    {
        Options = all =>
        {
            (all.ConcealUnknownUsers, all.ConcealmentKey) = (conceal, key);
            all.Limits.SwitchOff();
            options?.Invoke(all);
        },
        Setup = ciba => ciba.Services.Replace(ServiceDescriptor.Singleton<ICibaRequestStore>(_shared)),
    };

    private static async Task<List<string>> ManyAsync(CibaHost host, int count)
    {
        var ids = new List<string>();
        for (var i = 0; i < count; i++)
        {
            ids.Add((await host.AuthorizeAsync()).AuthReqId);
        }

        return ids;
    }
}
