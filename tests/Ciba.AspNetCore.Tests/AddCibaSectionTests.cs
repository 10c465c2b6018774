using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text;
using Ciba.AspNetCore.Settings;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Tests;

/// <summary>A section given to AddCiba: what stands there is taken as it was meant, or the host does not start.</summary>
public sealed class AddCibaSectionTests
{
    [Test]
    public void Every_option_is_read()
    {
        var settings = new Dictionary<string, string?>();
        var expected = new Dictionary<string, object?>();
        foreach (var (path, property, standard) in Options(new CibaOptions(), "Ciba"))
        {
            (var value, expected[path]) = Another(property.PropertyType, standard);
            settings[property.PropertyType.IsAssignableTo(typeof(IEnumerable)) && property.PropertyType != typeof(string) ? $"{path}:0" : path] = value;
        }

        var options = Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());

        Assert.That(Options(options, "Ciba").ToDictionary(option => option.Path, option => option.Value), Is.EqualTo(expected));
    }

    [TestCase("Limits:PendingPerUser", "10"), TestCase("Limits:PendingPerUserAndClient", "3"), TestCase("Limits:PendingPerClient", "10000"), TestCase("Limits:PendingTotal", "1000000")]
    [TestCase("Limits:NotificationsPerUser", "30"), TestCase("Limits:NotificationsPerUserAndClient", "10"), TestCase("Limits:NotificationWindow", "00:10:00")]
    [TestCase("Limits:FailedAuthentications", "30"), TestCase("LongPolling:Timeout", "00:00:00"), TestCase("LongPolling:MaxWaiting", "10000"), TestCase("MinRequestLifetime", "00:00:10")]
    [TestCase("Callbacks:AllowedNetworks", null), TestCase("AcrValuesSupported", null), TestCase("ScopesSupported", null), TestCase("AuthorizationDetailsTypesSupported", null)]
    [TestCase("Issuer", null), TestCase("Profile", "Core"), TestCase("PollingInterval", "00:00:05"), TestCase("RequestLifetime", "00:02:00"), TestCase("MaxRequestLifetime", "00:10:00")]
    [TestCase("MutualTls:Enabled", "False"), TestCase("Clients", null), TestCase("Discovery:AdditionalMetadata", null)]
    public void A_name_that_scripts_set_stays_and_has_its_default(string path, string? standard)
    {
        var setting = path.Split(':').Aggregate(Setting.Core, (parent, name) => parent.Members.GetValueOrDefault(name)!);
        var option = Options(new CibaOptions(), "").FirstOrDefault(option => option.Path == $":{path}");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(setting, Is.Not.Null);
            Assert.That(standard is null ? null : $"{option.Value}", Is.EqualTo(standard));
        }
    }

    [TestCase("""{"NumberMatchin": true}""", "Ciba:NumberMatchin is not a setting of AddCiba or of what is added to it; did you mean Ciba:NumberMatching?")]
    [TestCase("""{"Dpop": {"RequireNonces": true}}""", "Ciba:Dpop:RequireNonces is not a setting of AddCiba or of what is added to it; did you mean Ciba:Dpop:RequireNonce?")]
    [TestCase("""{"Limits": {"PendingForUser": 1}}""", "Ciba:Limits:PendingForUser is not a setting of AddCiba or of what is added to it; did you mean Ciba:Limits:PendingPerUser?")]
    [TestCase("""{"PendingPerUser": 1}""", "Ciba:PendingPerUser is not a setting of AddCiba or of what is added to it; did you mean Ciba:Limits:PendingPerUser?")]
    [TestCase("""{"Callbacks": {"LongPolling": {}}}""", "Ciba:Callbacks:LongPolling is not a setting of AddCiba or of what is added to it; did you mean Ciba:LongPolling?")]
    [TestCase("""{"acr_values_supported": ["a"]}""", "Ciba:acr_values_supported is not a setting of AddCiba or of what is added to it; did you mean Ciba:AcrValuesSupported?")]
    [TestCase("""{"Client": [{"ClientId": "shop"}]}""", "Ciba:Client is not a setting of AddCiba or of what is added to it; did you mean Ciba:Clients?")]
    [TestCase("""{"Redis": "top-secret:6379"}""", "Ciba:Redis is not a setting of AddCiba or of what is added to it; correct its name or leave it out.")]
    [TestCase("""{"MaxPendingRequestsPerUser": 0}""", "Ciba:MaxPendingRequestsPerUser has moved: write Ciba:Limits:PendingPerUser instead.")]
    [TestCase("""{"maxpendingrequestsperuserandclient": 0}""", "Ciba:maxpendingrequestsperuserandclient has moved: write Ciba:Limits:PendingPerUserAndClient instead.")]
    [TestCase("""{"LongPollingTimeout": "00:00:30"}""", "Ciba:LongPollingTimeout has moved: write Ciba:LongPolling:Timeout instead.")]
    [TestCase("""{"MaxWaitingPolls": 1}""", "Ciba:MaxWaitingPolls has moved: write Ciba:LongPolling:MaxWaiting instead.")]
    [TestCase("""{"Limits": 10}""", "Ciba:Limits is a single value; an object is expected.")]
    [TestCase("""{"ScopesSupported": "profile email"}""", "Ciba:ScopesSupported is a single value; a list is expected.")]
    [TestCase("""{"ScopesSupported": [["profile"]]}""", "Ciba:ScopesSupported holds a list or an object; texts are expected.")]
    [TestCase("""{"TokenPath": ["/token"]}""", "Ciba:TokenPath is a list or an object; a single value is expected.")]
    [TestCase("""{"NumberMatching": "top-secret"}""", "Ciba:NumberMatching must be true or false.")]
    [TestCase("""{"MaxResends": 1.5}""", "Ciba:MaxResends must be a whole number.")]
    [TestCase("""{"LongPolling": {"Timeout": "30s"}}""", "Ciba:LongPolling:Timeout must be a time span, for instance 00:00:30.")]
    [TestCase("""{"Profile": "Fapi"}""", "Ciba:Profile must be one of Core, FapiCiba.")]
    public async Task A_setting_that_cannot_be_taken_is_named_with_its_cure(string options, string sentence)
    {
        await using var host = new CibaHost { Section = Json(options) };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(exception!.Problems, Is.EqualTo(new[] { sentence }));
            Assert.That(exception.Message, Does.Not.Contain("top-secret"));
        }
    }

    [Test]
    public async Task What_is_wrong_is_said_with_all_else_and_what_is_right_is_taken()
    {
        var section = Json("""{"TokenPth": "/t", "PollingInterval": "00:00:00.5", "MaxResends": "many", "ExpiredRequestRetention": "00:00:01"}""");
        await using var host = new CibaHost { Section = section, Clients = [] };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[]
        {
            "ICibaClientStore is missing: add it with AddClients(...) or AddClientStore<T>() behind AddCiba().",
            "Ciba:MaxResends must be a whole number.",
            "Ciba:TokenPth is not a setting of AddCiba or of what is added to it; did you mean Ciba:TokenPath?",
            "CibaOptions: PollingInterval must be between 00:00:01 and 00:05:00, not 00:00:00.5000000.",
            "CibaOptions: ExpiredRequestRetention must be between 00:01:00 and 1.00:00:00, not 00:00:01.",
        }));
    }

    [Test]
    public void Code_has_the_last_word_and_what_is_empty_or_null_is_not_set()
    {
        var section = Json("""{"TokenPath": "/a", "JwksPath": "/b", "MaxResends": "", "Profile": "fapiciba", "ResendInterval": null, "Callbacks": null, "ScopesSupported": null}""");

        var services = new ServiceCollection();
        services.AddCiba(section, options => options.TokenPath = "/c");
        using var provider = services.BuildServiceProvider();
        var options = provider.GetRequiredService<IOptions<CibaOptions>>().Value;

        Assert.That(
            (options.TokenPath, options.JwksPath, options.MaxResends, options.Profile, options.ResendInterval, options.Callbacks.MaxConcurrent, options.ScopesSupported.Count),
            Is.EqualTo(("/c", "/b", 3, CibaProfile.FapiCiba, TimeSpan.FromSeconds(15), 512, 0)));
    }

    [Test]
    public async Task A_section_that_is_missing_is_named_where_something_is_missing_too()
    {
        await using var host = new CibaHost { Section = Json("{}", "Cibba"), Options = options => options.Issuer = "" };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems[0], Is.EqualTo("The section Cibba given to AddCiba is empty or missing."));
    }

    [Test]
    public async Task The_clients_of_the_section_are_taken_by_AddClients()
    {
        var section = Json($$"""{"Clients": [{"ClientId": "client", "ClientSecrets": ["{{CibaHost.Secret}}"], "TokenEndpointAuthMethod": "client_secret_post", "BackchannelTokenDeliveryMode": "poll"}]}""");
        await using var host = new CibaHost { Section = section, Clients = [], Setup = ciba => ciba.AddClients() };

        var answer = await host.PostAsync("/bc-authorize", [("client_id", "client"), ("client_secret", CibaHost.Secret), ("scope", "openid"), ("login_hint", "alice")]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Text("error"), Is.Null);
            Assert.That(() => new ServiceCollection().AddCiba().AddClients(), Throws.InvalidOperationException.With.Message.StartsWith("AddClients() takes the clients of the section that AddCiba(section) was given"));
        }
    }

    [Test]
    public async Task A_misspelt_setting_of_a_client_is_named_with_the_nearest_one()
    {
        await using var host = new CibaHost
        {
            Section = Json("""{"Clients": [{"ClientId": "shop", "ClientSecrets": ["s"], "BackchannelTokenDeliveryMode": "poll", "Scope": ["profile"]}]}"""),
            Clients = [],
            Setup = ciba => ciba.AddClients(),
        };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { "Client 'shop': Scope is not a setting of a client; did you mean Scopes?" }));
    }

    [Test]
    public void There_is_one_section()
    {
        var services = new ServiceCollection();
        services.AddCiba(Json("{}")).Services.AddCiba(Json("{}"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => services.AddCiba(Json("{}", "Other")), Throws.InvalidOperationException.With.Message.EqualTo("AddCiba was given the section Ciba before: call it with one section."));
            Assert.That(() => services.AddCiba().AddConfigurationSchema(GetType().Assembly), Throws.ArgumentException.With.Message.StartsWith("Ciba.AspNetCore.Tests has no embedded resource ConfigurationSchema.json."));
        }
    }

    [Test]
    public void Trimming_keeps_the_properties_of_all_options()
    {
        var kept = typeof(OptionsBinder).GetMethod(nameof(OptionsBinder.Bind))!.GetCustomAttributes<DynamicDependencyAttribute>().Select(attribute => attribute.Type);

        Assert.That(kept, Is.EquivalentTo(Nested(typeof(CibaOptions)).Prepend(typeof(CibaOptions))));
    }

    private static IEnumerable<Type> Nested(Type options) =>
        options.GetProperties().Select(property => property.PropertyType).Where(IsOptions).SelectMany(type => Nested(type).Prepend(type));

    private static IEnumerable<(string Path, PropertyInfo Property, object? Value)> Options(object options, string path) => options.GetType().GetProperties()
        .Where(property => property.CanWrite || IsOptions(property.PropertyType) || property.PropertyType == typeof(IList<string>))
        .Where(property => !property.PropertyType.IsAssignableTo(typeof(Delegate)))
        .SelectMany(property => IsOptions(property.PropertyType)
            ? Options(property.GetValue(options)!, $"{path}:{property.Name}")
            : [($"{path}:{property.Name}", property, property.GetValue(options))]);

    private static bool IsOptions(Type type) => type.IsClass && type.Namespace == typeof(CibaOptions).Namespace;

    private static (string Setting, object Value) Another(Type type, object? standard) => standard switch
    {
        bool known => (known ? "false" : "True", !known),
        int known => ($"{known + 1}", known + 1),
        TimeSpan known => ($"{known + TimeSpan.FromSeconds(1):c}", known + TimeSpan.FromSeconds(1)),
        Enum => (Enum.GetNames(type)[^1], Enum.GetValues(type).Cast<object>().Last()),
        _ when type == typeof(string) => ("text", "text"),
        _ when type == typeof(int?) => ("1", 1),
        _ => ("text", new[] { "text" }),
    };

    private static CibaOptions Read(IConfiguration configuration)
    {
        var services = new ServiceCollection();
        services.AddCiba(configuration.GetSection("Ciba"));
        using var provider = services.BuildServiceProvider();
        return provider.GetRequiredService<IOptions<CibaOptions>>().Value;
    }

    private static IConfigurationSection Json(string options, string name = "Ciba") =>
        new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes($$"""{"Ciba": {{options}}}"""))).Build().GetSection(name);
}
