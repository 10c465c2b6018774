using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using Ciba.AspNetCore.Startup;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Tokens;

namespace Ciba.AspNetCore.Tests;

/// <summary>Everything is checked when the host starts, and one exception lists all that is wrong, each with its cure.</summary>
public sealed class StartupTests
{
    private static readonly TimeSpan Odd = TimeSpan.FromMilliseconds(1500);
    private static readonly TimeSpan TwoDays = TimeSpan.FromDays(2);

    private static IEnumerable<TestCaseData> BadOptions()
    {
        const string Required = "CibaOptions: Issuer is missing or no absolute URL: set it to the address of this provider, for instance https://id.example.com.";
        const string Https = "CibaOptions: Issuer must be an https URL (http only for loopback, or with RequireHttps switched off).";
        const string Plain = "CibaOptions: Issuer must have no query, fragment, user information or white space.";
        yield return Case(options => options.Issuer = "", Required);
        yield return Case(options => options.Issuer = null!, Required, "Issuer = null");
        yield return Case(options => options.Issuer = "id.example.com", Required, "Issuer without scheme");
        yield return Case(options => options.Issuer = "/id", Required, "Issuer is a path");
        yield return Case(options => options.Issuer = "ftp://id.example.com", Required, "Issuer by ftp");
        yield return Case(options => options.Issuer = "http://id.example.com", Https);
        yield return Case(options => options.Issuer = "https://id.example.com?x=1", Plain, "Issuer with query");
        yield return Case(options => options.Issuer = "https://id.example.com?", Plain, "Issuer with empty query");
        yield return Case(options => options.Issuer = "https://id.example.com/#", Plain, "Issuer with empty fragment");
        yield return Case(options => options.Issuer = "https://me:pw@id.example.com", Plain, "Issuer with user");
        yield return Case(options => options.BackchannelAuthenticationPath = "bc", "CibaOptions: BackchannelAuthenticationPath must be a path that begins with a slash.");
        yield return Case(options => options.TokenPath = "/", "CibaOptions: TokenPath must be a path that begins with a slash.");
        yield return Case(options => options.TokenPath = null!, "CibaOptions: TokenPath must be a path that begins with a slash.", "TokenPath = null");
        yield return Case(options => options.TokenPath = "/{tenant", "CibaOptions: TokenPath must be a path that begins with a slash.", "TokenPath with a brace");
        yield return Case(options => options.TokenPath = "/a//b", "CibaOptions: TokenPath must be a path that begins with a slash.", "TokenPath with an empty part");
        yield return Case(options => options.JwksPath = "/keys?x", "CibaOptions: JwksPath must be a path that begins with a slash.");
        yield return Case(options => options.JwksPath = "/TOKEN", "CibaOptions: the three paths must differ from each other.");
        yield return Case(options => options.PollingInterval = TimeSpan.Zero, "CibaOptions: PollingInterval must be between 00:00:01 and 00:05:00, not 00:00:00.");
        yield return Case(options => options.PollingInterval = Odd, "CibaOptions: PollingInterval must be whole seconds, not 00:00:01.5000000.");
        yield return Case(options => options.LongPolling.Timeout = TimeSpan.FromTicks(-1), "CibaOptions: LongPolling.Timeout must be between 00:00:00 and 00:05:00, not -00:00:00.0000001.");
        yield return Case(options => options.LongPolling.Timeout = TimeSpan.FromMinutes(5) + TimeSpan.FromTicks(1), "CibaOptions: LongPolling.Timeout must be between 00:00:00 and 00:05:00, not 00:05:00.0000001.", "LongPolling.Timeout above 5 min");
        yield return Case(options => options.LongPolling.MaxWaiting = -1, "CibaOptions: LongPolling.MaxWaiting must be 0 (no poll waits) or more.");
        yield return Case(options => options.RequestLifetime = TimeSpan.FromSeconds(-1), "CibaOptions: RequestLifetime must be between 00:00:01 and 30.00:00:00, not -00:00:01.");
        yield return Case(options => options.RequestLifetime = Odd, "CibaOptions: RequestLifetime must be whole seconds, not 00:00:01.5000000.");
        yield return Case(options => options.MaxRequestLifetime = TimeSpan.FromDays(31), "CibaOptions: MaxRequestLifetime must be between 00:00:01 and 30.00:00:00, not 31.00:00:00.");
        yield return Case(options => options.MaxRequestLifetime = TimeSpan.FromSeconds(119), "CibaOptions: MaxRequestLifetime must not be shorter than RequestLifetime.");
        yield return Case(options => options.MinRequestLifetime = TimeSpan.FromSeconds(0.5), "CibaOptions: MinRequestLifetime must be between 00:00:01 and 1.00:00:00, not 00:00:00.5000000.");
        yield return Case(options => options.MinRequestLifetime = Odd, "CibaOptions: MinRequestLifetime must be whole seconds, not 00:00:01.5000000.");
        yield return Case(options => options.MinRequestLifetime = TimeSpan.FromSeconds(121), "CibaOptions: MinRequestLifetime must not be longer than RequestLifetime.");
        yield return Case(options => options.ExpiredRequestRetention = TimeSpan.FromSeconds(59), "CibaOptions: ExpiredRequestRetention must be between 00:01:00 and 1.00:00:00, not 00:00:59.");
        yield return Case(options => options.RedemptionLease = TimeSpan.Zero, "CibaOptions: RedemptionLease must be between 00:00:01 and 00:10:00, not 00:00:00.");
        yield return Case(options => options.Limits.PendingPerUser = -1, "CibaOptions: Limits.PendingPerUser must be 0 (no limit) or more.");
        yield return Case(options => options.Limits.PendingPerUserAndClient = -1, "CibaOptions: Limits.PendingPerUserAndClient must be 0 (no limit) or more.");
        yield return Case(options => options.Limits.PendingPerClient = -1, "CibaOptions: Limits.PendingPerClient must be 0 (no limit) or more.");
        yield return Case(options => options.Limits.PendingTotal = -1, "CibaOptions: Limits.PendingTotal must be 0 (no limit) or more.");
        yield return Case(options => options.Limits.NotificationsPerUser = -1, "CibaOptions: Limits.NotificationsPerUser must be 0 (no limit) or more.");
        yield return Case(options => options.Limits.NotificationsPerUserAndClient = -1, "CibaOptions: Limits.NotificationsPerUserAndClient must be 0 (no limit) or more.");
        yield return Case(options => options.Limits.NotificationWindow = TimeSpan.Zero, "CibaOptions: Limits.NotificationWindow must be between 00:00:01 and 1.00:00:00, not 00:00:00.");
        yield return Case(options => options.BindingMessageMaxLength = 0, "CibaOptions: BindingMessageMaxLength must be between 1 and 1024.");
        yield return Case(options => options.BindingMessageMaxLength = 1025, "CibaOptions: BindingMessageMaxLength must be between 1 and 1024.", "BindingMessageMaxLength = 1025");
        yield return Case(options => options.Limits.FailedAuthentications = -1, "CibaOptions: Limits.FailedAuthentications must be 0 (no limit) or more.");
        yield return Case(options => options.MaxUserCodeFailuresPerClient = 0, "CibaOptions: MaxUserCodeFailuresPerClient must be between 1 and MaxUserCodeFailures.");
        yield return Case(options => options.MaxUserCodeFailuresPerClient = 6, "CibaOptions: MaxUserCodeFailuresPerClient must be between 1 and MaxUserCodeFailures.");
        yield return Case(options => options.MaxUserCodeFailures = 0, "CibaOptions: MaxUserCodeFailures must be 1 or more.");
        yield return Case(options => options.UserCodeWindow = TimeSpan.Zero, "CibaOptions: UserCodeWindow must be between 00:00:01 and 1.00:00:00, not 00:00:00.");
        yield return Case(options => options.DeviceNotification = (CibaDeviceNotificationMode)7, "CibaOptions: DeviceNotification must be Background or BeforeAcknowledgement.");
        yield return Case(options => options.DeviceNotificationTimeout = TimeSpan.Zero, "CibaOptions: DeviceNotificationTimeout must be between 00:00:00.0010000 and 00:05:00, not 00:00:00.");
        yield return Case(options => options.MaxClientAssertionLifetime = TwoDays, "CibaOptions: MaxClientAssertionLifetime must be between 00:00:01 and 1.00:00:00, not 2.00:00:00.");
        yield return Case(options => options.ClockSkew = TimeSpan.FromSeconds(-1), "CibaOptions: ClockSkew must be between 00:00:00 and 00:05:00, not -00:00:01.");
        yield return Case(options => options.ClockSkew = TimeSpan.FromMinutes(6), "CibaOptions: ClockSkew must be between 00:00:00 and 00:05:00, not 00:06:00.", "ClockSkew = 6 min");
        yield return Case(options => options.LongPolling.Timeout = TimeSpan.Parse("30", CultureInfo.InvariantCulture), "CibaOptions: LongPolling.Timeout must be between 00:00:00 and 00:05:00, not 30.00:00:00.", "LongPolling.Timeout = 30, which is days");
        yield return Case(options => (options.NumberMatching, options.BindingMessageMaxLength) = (true, 1), "CibaOptions: BindingMessageMaxLength must be 2 or more with NumberMatching, whose codes have 2 to 8 characters.");
        foreach (var scope in new[] { "", "a b", "a\"b", "a\\b", "caf\u00e9", "a\u0001" })
        {
            yield return Case(options => options.ScopesSupported = ["profile", scope], $"CibaOptions: ScopesSupported holds '{scope}', which is no scope: each entry is one or more printable ASCII characters without space, quotation mark and backslash (RFC 6749 section 3.3).", $"ScopesSupported with '{scope}'");
        }

        foreach (var acr in new[] { "", "a b", "a\u0001" })
        {
            yield return Case(options => options.AcrValuesSupported = ["urn:acr:1", acr], $"CibaOptions: AcrValuesSupported holds '{acr}', for which no client can ask: each entry is one or more printable ASCII characters without space, quotation mark and backslash.", $"AcrValuesSupported with '{acr}'");
        }

        yield return Case(options => options.AuthorizationDetailsTypesSupported = ["payment", ""], "CibaOptions: AuthorizationDetailsTypesSupported has an empty entry; leave it out.");
        yield return Case(options => options.AcrValuesSupported = null!, "CibaOptions: AcrValuesSupported must be a list.");
        yield return Case(options => options.ScopesSupported = null!, "CibaOptions: ScopesSupported must be a list.");
        yield return Case(options => (options.ConcealUnknownUsers, options.DeviceNotification) = (true, CibaDeviceNotificationMode.BeforeAcknowledgement), "CibaOptions: ConcealUnknownUsers needs DeviceNotification Background: whether a device is waited for would tell who is known.");
    }

    [TestCaseSource(nameof(BadOptions)), Spec("D7")]
    public async Task An_option_out_of_its_bounds_is_named_with_its_rule(Action<CibaOptions> change, string sentence)
    {
        await using var host = new CibaHost { Options = change };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Does.Contain(sentence));
    }

    private static IEnumerable<TestCaseData> BadIssuers()
    {
        yield return Issuer(options => options.AccessTokenLifetime = TimeSpan.Zero, "CibaJwtTokenIssuerOptions: AccessTokenLifetime must be between 00:00:01 and 366.00:00:00, not 00:00:00.");
        yield return Issuer(options => options.IdTokenLifetime = Odd, "CibaJwtTokenIssuerOptions: IdTokenLifetime must be whole seconds, not 00:00:01.5000000.");
        yield return Issuer(options => options.PairwiseSubjectSalt = "too short", "CibaJwtTokenIssuerOptions: PairwiseSubjectSalt must have 32 characters at least.");
        yield return Issuer(options => options.SigningCredentials = [new(new SymmetricSecurityKey(new byte[32]), "HS256")], "AddJwtTokenIssuer: the algorithm 'HS256' is not one of ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512.");
        yield return Issuer(options => options.SigningCredentials = [new(TestKeys.Make("ES256").Key, SecurityAlgorithms.EcdsaSha256Signature)], "AddJwtTokenIssuer: the algorithm 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256' is not one of ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512.");
        yield return Issuer(options => options.SigningCredentials = [new(TestKeys.Make("ES384").Key, "ES256")], "AddJwtTokenIssuer: ES256 needs an EC key on the curve P-256.");
        yield return Issuer(options => options.SigningCredentials = [new(TestKeys.Make("RS256").Key, "ES256")], "AddJwtTokenIssuer: ES256 needs an EC key on the curve P-256.", "an RSA key for ES256");
        yield return Issuer(options => options.SigningCredentials = [new(new ECDsaSecurityKey(ECDsa.Create(ECCurve.CreateFromFriendlyName("secp256k1"))), "ES256")], "AddJwtTokenIssuer: the key for ES256 does not sign: it has no private half, or is on another curve.", "a key of another curve of 256 bits");
        yield return Issuer(options => options.SigningCredentials = [new(new RsaSecurityKey(RSA.Create(1024)), "PS256")], "AddJwtTokenIssuer: PS256 needs an RSA key of 2048 to 8192 bits.");
        yield return Issuer(options => options.SigningCredentials = [new(PublicHalf("ES256"), "ES256")], "AddJwtTokenIssuer: the key for ES256 does not sign: it has no private half, or is on another curve.", "a public EC key");
        yield return Issuer(options => options.SigningCredentials = [new(new JsonWebKey("""{"kty":"RSA"}"""), "RS256")], "AddJwtTokenIssuer: a JsonWebKey is not taken: give an ECDsaSecurityKey, an RsaSecurityKey or an X509SecurityKey.");
        yield return Issuer(options => options.SigningCredentials = [new(PublicHalf("RS256"), "RS256")], "AddJwtTokenIssuer: the key for RS256 does not sign: it has no private half, or is on another curve.", "a public RSA key");
    }

    [TestCaseSource(nameof(BadIssuers)), Spec("I1")]
    public async Task A_token_issuer_that_could_not_sign_is_found_out_at_once(Action<CibaJwtTokenIssuerOptions> change, string sentence)
    {
        await using var host = new CibaHost { Tokens = change };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { sentence }));
    }

    [Test]
    public async Task Keys_for_an_issuer_of_the_hosts_own_do_not_go_with_the_ready_one()
    {
        await using var host = new CibaHost { Setup = ciba => ciba.AddSigningKeys<NoKeys>() };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { "AddSigningKeys is for a token issuer of the host's own: leave it out, and give the keys to AddJwtTokenIssuer." }));
    }

    [Test, Spec("D7"), Spec("I1"), Spec("D8")]
    public async Task A_client_that_the_token_issuer_cannot_serve_is_named()
    {
        var algorithm = CibaHost.Client("algorithm");
        algorithm.IdTokenSignedResponseAlg = "ES256";
        await using var host = new CibaHost { Clients = [algorithm, PairwiseClients.Client("pairwise")], Tokens = options => options.SigningCredentials = [TestKeys.Make("PS256")] };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[]
        {
            "Client 'algorithm': IdTokenSignedResponseAlg 'ES256': there is no such key; give AddJwtTokenIssuer one, or use one of PS256.",
            "Client 'pairwise': SubjectType 'pairwise' needs CibaJwtTokenIssuerOptions.PairwiseSubjectSalt: set it in AddJwtTokenIssuer.",
        }));
    }

    [TestCase("Production"), TestCase("Development"), Spec("D7")]
    public async Task All_that_is_wrong_is_in_one_exception(string environment)
    {
        var builder = Builder(environment);
        builder.Services.AddCiba(options => options.PollingInterval = TimeSpan.Zero)
            .AddClients(new ConfigurationBuilder().AddInMemoryCollection([new("c:0:ClientId", "shop"), new("c:0:Redirect", "x")]).Build().GetSection("c"));

        await using var app = builder.Build();
        app.MapCiba();
        app.MapCibaDiscovery();
        app.MapCibaDevice("/device");
        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(() => app.StartAsync());

        string[] problems =
        [
            "ICibaUserLookup is missing: add it with AddUserLookup<T>() behind AddCiba().",
            "ICibaDeviceNotifier is missing: add it with AddDeviceNotifier<T>() behind AddCiba().",
            "ICibaTokenIssuer is missing: add it with AddTokenIssuer<T>() or AddJwtTokenIssuer(...) behind AddCiba().",
            "CibaOptions: Issuer is missing or no absolute URL: set it to the address of this provider, for instance https://id.example.com.",
            "CibaOptions: PollingInterval must be between 00:00:01 and 00:05:00, not 00:00:00.",
            "Client 'shop': Redirect is not a setting of a client; correct its name or leave it out.",
            "Client 'shop': ClientSecrets is empty, or has an empty entry; client_secret_basic needs at least one secret.",
            "Client 'shop': BackchannelTokenDeliveryMode is missing; a client with the CIBA grant has one: poll, ping or push.",
        ];
        using (Assert.EnterMultipleScope())
        {
            Assert.That(exception!.Problems, Is.EqualTo(problems));
            Assert.That(exception.Message, Is.EqualTo($"CIBA is not set up correctly:{string.Concat(problems.Select(problem => $"{Environment.NewLine}- {problem}"))}"));
        }
    }

    [TestCase("Production"), TestCase("Development"), Spec("D7")]
    public async Task Clients_are_missing_when_nothing_adds_them(string environment)
    {
        var builder = Builder(environment);
        builder.Services.AddSingleton<FakeUsers>().AddSingleton<FakeDevices>().AddCiba(options => options.Issuer = CibaHost.Issuer)
            .AddUserLookup<FakeUsers>().AddDeviceNotifier<FakeDevices>().AddJwtTokenIssuer();

        await using var app = builder.Build();
        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(() => app.StartAsync());

        Assert.That(exception!.Problems, Is.EqualTo(new[] { "ICibaClientStore is missing: add it with AddClients(...) or AddClientStore<T>() behind AddCiba()." }));
    }

    [TestCase("Production"), TestCase("Development"), Spec("A16")]
    public async Task A_host_that_lacks_nothing_starts_and_answers(string environment)
    {
        var builder = Builder(environment);
        builder.Services.AddSingleton<FakeUsers>().AddSingleton<FakeDevices>().AddCiba(options => options.Issuer = CibaHost.Issuer)
            .AddClients(CibaHost.Client("client")).AddUserLookup<FakeUsers>().AddDeviceNotifier<FakeDevices>().AddJwtTokenIssuer(TestKeys.Make("ES256"));
        await using var app = builder.Build();
        app.MapCiba();
        await app.StartAsync();

        using var form = new FormUrlEncodedContent(
            [new("client_id", "client"), new("client_secret", CibaHost.Secret), new("scope", "openid"), new("login_hint", "alice")]);
        using var response = await app.GetTestClient().PostAsync("/bc-authorize", form);

        Assert.That(response.IsSuccessStatusCode, Is.True, await response.Content.ReadAsStringAsync());
    }

    [Test]
    public void Clients_come_from_a_list_or_from_a_store()
    {
        const string Message = "AddClients and AddClientStore exclude each other.";
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => Builder().Services.AddCiba().AddClients(CibaHost.Client("a")).AddClientStore<NoClients>(), Throws.InvalidOperationException.With.Message.EqualTo(Message));
            Assert.That(() => Builder().Services.AddCiba().AddClientStore<NoClients>().AddClients(CibaHost.Client("a")), Throws.InvalidOperationException.With.Message.EqualTo(Message));
        }
    }

    [Test]
    public async Task Endpoints_without_AddCiba_say_what_to_call()
    {
        await using var app = Builder().Build();

        const string Message = "CIBA is not among the services: call AddCiba() before the application is built.";
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => app.MapCiba(), Throws.InvalidOperationException.With.Message.EqualTo(Message));
            Assert.That(() => app.MapCibaDiscovery(), Throws.InvalidOperationException.With.Message.EqualTo(Message));
            Assert.That(() => app.MapCibaDevice("/device"), Throws.InvalidOperationException.With.Message.EqualTo(Message));
        }
    }

    [Test]
    public void Mixed_major_versions_of_IdentityModel_are_refused_by_name()
    {
        AssemblyName[] same = [new("Microsoft.IdentityModel.Tokens, Version=8.0.1.0"), new("Microsoft.IdentityModel.Logging, Version=8.23.0.0")];
        AssemblyName[] mixed = [.. same, new("System.IdentityModel.Tokens.Jwt, Version=6.8.0.0")];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(IdentityModelVersions.Check([]), Is.Empty);
            Assert.That(IdentityModelVersions.Check(same), Is.Empty);
            Assert.That(IdentityModelVersions.Check(mixed), Is.EqualTo(new[]
            {
                "The IdentityModel assemblies have different major versions (Microsoft.IdentityModel.Tokens 8.0.1.0, Microsoft.IdentityModel.Logging 8.23.0.0, System.IdentityModel.Tokens.Jwt 6.8.0.0): reference all of these packages at the highest of them.",
            }));
            Assert.That(IdentityModelVersions.Check(), Is.Empty, "those of this process");
        }
    }

    private static WebApplicationBuilder Builder(string environment = "Production")
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.WebHost.UseTestServer(server => server.BaseAddress = new Uri("https://localhost/"));
        return builder;
    }

    private static TestCaseData Case(Action<CibaOptions> change, string sentence, string? name = null) => new TestCaseData(change, sentence).SetArgDisplayNames(name ?? sentence);

    private static TestCaseData Issuer(Action<CibaJwtTokenIssuerOptions> change, string sentence, string? name = null) => new TestCaseData(change, sentence).SetArgDisplayNames(name ?? sentence);

    private static SecurityKey PublicHalf(string algorithm) => TestKeys.Make(algorithm).Key switch
    {
        ECDsaSecurityKey ec => new ECDsaSecurityKey(ECDsa.Create(ec.ECDsa.ExportParameters(includePrivateParameters: false))),
        RsaSecurityKey rsa => new RsaSecurityKey(rsa.Rsa.ExportParameters(includePrivateParameters: false)),
        var key => key,
    };

    private sealed class NoClients : ICibaClientStore
    {
        public ValueTask<CibaClient?> FindAsync(string clientId, CancellationToken cancellationToken) => new((CibaClient?)null);
    }

    private sealed class NoKeys : ICibaSigningKeys
    {
        public ValueTask<IReadOnlyList<SigningCredentials>> GetAsync(CancellationToken cancellationToken) => new([]);
    }
}
