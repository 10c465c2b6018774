using System.Text.Json;

namespace Ciba.AspNetCore.Tests;

/// <summary>What a request may hold beyond section 7.1: every step hands it out as it went in.</summary>
public abstract partial class RequestStoreContract
{
    private const string Thumbprint = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2";

    private static readonly CibaConfirmation?[] Confirmations =
    [
        null,
        new() { DpopKeyThumbprint = Thumbprint },
        new() { CertificateThumbprint = Thumbprint },
        new() { DpopKeyThumbprint = Thumbprint, CertificateThumbprint = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0" },
    ];

    [TestCaseSource(nameof(Confirmations)), Spec("F7"), Spec("A16")]
    public async Task What_goes_beyond_the_form_comes_back_as_it_was(CibaConfirmation? confirmation)
    {
        var request = Full(confirmation);
        await AddAsync(request);

        var found = await Store.GetAsync(request.Id, Alice, Now, CancellationToken.None);
        var listed = await Store.ListPendingAsync(Alice, Now, CancellationToken.None);
        var due = await ClaimAsync(request, byId: true);
        await DecideAsync(request);
        var leased = await PollForLeaseAsync(request);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Content(found!.Request), Is.EqualTo(Content(request)));
            Assert.That(listed.Select(Content), Is.EqualTo(new[] { Content(request) }));
            Assert.That(Content(due!.Request), Is.EqualTo(Content(request)));
            Assert.That(Content(leased.Request!), Is.EqualTo(Content(request)));
        }
    }

    [Test, Spec("A16")]
    public async Task What_was_not_asked_for_is_not_there()
    {
        var request = await AddedAsync();

        var found = (await Store.GetAsync(request.Id, Alice, Now, CancellationToken.None))!.Request;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(found.RequiredAcrValues, Is.Empty);
            Assert.That(found.Resources, Is.Empty);
            Assert.That(found.RequestedIdTokenClaims, Is.Null);
            Assert.That(found.RequestContext, Is.Null);
            Assert.That(found.Confirmation, Is.Null);
        }
    }

    private CibaRequest Full(CibaConfirmation? confirmation)
    {
        var request = New(mode: Ping, dueAt: Now);
        return new CibaRequest
        {
            Id = request.Id,
            ClientId = request.ClientId,
            ClientName = request.ClientName,
            Subject = request.Subject,
            Scopes = request.Scopes,
            AcrValues = ["urn:b", "urn:a", "urn:ä"],
            RequiredAcrValues = ["urn:b", "urn:ä"],
            Resources = ["https://api.example.com/b?x=1", "urn:example:a"],
            RequestedIdTokenClaims = JsonElement.Parse("""{"email":null,"acr":{"essential":true,"values":["urn:b"]},"name":{"value":"Zoë \u0001 \ud83d\ude00"}}"""),
            RequestContext = JsonElement.Parse("""{"device":{"ip":"2001:db8::1","score":1e400,"none":null},"list":[1.50,true]}"""),
            Confirmation = confirmation,
            Interval = request.Interval,
            TokenDeliveryMode = request.TokenDeliveryMode,
            Callback = request.Callback,
            DueAt = request.DueAt,
            CreatedAt = request.CreatedAt,
            ExpiresAt = request.ExpiresAt,
            RetainedUntil = request.RetainedUntil,
        };
    }
}
