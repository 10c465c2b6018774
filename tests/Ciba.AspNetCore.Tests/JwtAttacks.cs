using System.Net;

namespace Ciba.AspNetCore.Tests;

/// <summary>Attacks on one place where a JWT comes in. After each a right JWT must be taken: it was not the test that was refused.</summary>
public abstract class JwtAttacks(JwtPlace place)
{
    protected static readonly TestKey Key = JwtPlace.Key;

    private CibaHost _host = null!;

    protected JwtPlace Place => place;

    [SetUp]
    public void Start() => _host = JwtPlace.Host();

    [TearDown]
    public async Task EndAsync()
    {
        var answer = await place.SendAsync(_host, Right().Sign(Key));
        await _host.DisposeAsync();
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK), answer.Body);
    }

    protected Task RefusesAsync(string attack, string jwt) => place.RefusesAsync(_host, attack, jwt);

    protected TestJwt Right(JwtPlace? at = null) => (at ?? place).Right(_host);
}
