using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;

namespace Ciba.AspNetCore.Tests;

/// <summary>What is wrong with the settings of DPoP is said when the host starts.</summary>
[Spec("D7"), Spec("T13")]
public sealed class DpopStartupTests
{
    private static IEnumerable<TestCaseData> Bad()
    {
        const string Algorithms = "CibaOptions: Dpop.SigningAlgValuesSupported must be some of ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512, or empty to switch DPoP off.";
        yield return Case(options => options.Dpop = null!, "CibaOptions: Dpop is null; leave it out, or give it settings.");
        yield return Case(options => options.Dpop.SigningAlgValuesSupported = ["none"], Algorithms, "none");
        yield return Case(options => options.Dpop.SigningAlgValuesSupported = ["ES256", "HS256"], Algorithms, "HS256");
        yield return Case(options => options.Dpop.ProofLifetime = TimeSpan.Zero, "CibaOptions: Dpop.ProofLifetime must be between 00:00:01 and 01:00:00, not 00:00:00.");
        yield return Case(options => options.Dpop.NonceLifetime = TimeSpan.FromHours(2), "CibaOptions: Dpop.NonceLifetime must be between 00:00:01 and 01:00:00, not 02:00:00.");
        yield return Case(options => options.Dpop.RequireNonce = true, "CibaOptions: Dpop.RequireNonce needs services.AddDataProtection(), with keys that all nodes share where there are several.");
        yield return Case(
            options => options.Dpop.SigningAlgValuesSupported = [],
            "Client 'client': DpopBoundAccessTokens is set and DPoP is switched off; put algorithms into CibaOptions.Dpop.SigningAlgValuesSupported, or leave it null.");
    }

    [TestCaseSource(nameof(Bad))]
    public async Task A_setting_that_cannot_be_is_named_with_its_cure(Action<CibaOptions> change, string sentence)
    {
        await using var host = new CibaHost { Clients = [DpopCalls.BoundClient()], Options = change };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { sentence }));
    }

    [Test]
    public async Task Nonces_are_no_matter_where_DPoP_is_off_or_there_are_keys()
    {
        await using var off = new CibaHost { Options = options => (options.Dpop.RequireNonce, options.Dpop.SigningAlgValuesSupported) = (true, []) };
        await using var keys = new CibaHost { Options = options => options.Dpop.RequireNonce = true, Setup = ciba => ciba.Services.AddDataProtection().UseEphemeralDataProtectionProvider() };

        using (Assert.EnterMultipleScope())
        {
            Assert.That(off.StartedAsync, Throws.Nothing);
            Assert.That(keys.StartedAsync, Throws.Nothing);
        }
    }

    private static TestCaseData Case(Action<CibaOptions> change, string sentence, string? name = null) => new TestCaseData(change, sentence).SetArgDisplayNames(name ?? sentence);
}
