namespace Ciba.AspNetCore.Tests;

/// <summary>Section 7.3, section 14: the <c>auth_req_id</c>, and the handle that follows from it.</summary>
[Spec("A17")]
public sealed class RequestIdTests
{
    [Test]
    public void Every_shard_has_a_number_of_its_own()
    {
        var shards = Enumerable.Range(0, 4096).Select(i => CibaRequestId.Shard($"user-{i}")).Distinct().ToList();

        Assert.That(shards, Has.Count.EqualTo(64));
        Assert.That(shards.Select(CibaRequestId.ShardNumber).Order(), Is.EqualTo(Enumerable.Range(0, 64)));
    }

    [Test]
    public void The_handle_has_the_shard_of_the_user_and_nothing_else_of_the_auth_req_id()
    {
        var authReqId = CibaRequestId.NewAuthReqId("user");
        var handle = CibaRequestId.FromAuthReqId(authReqId)!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(authReqId, Does.Match("^[A-Za-z0-9_-]{44}$"));
            Assert.That(handle, Does.Match("^[A-Za-z0-9_-]{44}$"));
            Assert.That(handle[0], Is.EqualTo(authReqId[0]).And.EqualTo(CibaRequestId.Shard("user")));
            Assert.That(handle[1..], Is.Not.EqualTo(authReqId[1..]));
            Assert.That(CibaRequestId.FromAuthReqId(authReqId), Is.EqualTo(handle));
        }
    }

    [Test]
    public void No_two_requests_of_a_user_have_the_same()
    {
        Assert.That(Enumerable.Range(0, 10_000).Select(_ => CibaRequestId.NewAuthReqId("user")), Is.Unique);
    }

    [TestCase(null), TestCase(""), TestCase("A"), TestCase("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), TestCase("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), TestCase("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\u00e4A")]
    public void What_cannot_be_an_auth_req_id_has_no_handle(string? text)
    {
        Assert.That(CibaRequestId.FromAuthReqId(text), Is.Null);
    }
}
