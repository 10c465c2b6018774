using System.Text.Json.Nodes;
using Ciba.AspNetCore.Redis.Connection;
using Ciba.AspNetCore.Tests;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Ciba.AspNetCore.Redis.Tests;

/// <summary>The settings of the package.</summary>
public sealed class RedisConfigurationSchemaTests() : ConfigurationSchemaContract(typeof(CibaRedisOptions).Assembly)
{
    protected override JsonObject Members(OptionsSchema schema) => new()
    {
        ["Redis"] = new JsonObject
        {
            ["type"] = "string",
            ["description"] = "The connection string of the Redis that AddRedisStore() without arguments uses, for instance redis:6379,password=...,ssl=true.",
        },
        ["RedisStore"] = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = schema.MembersOf(new CibaRedisOptions()),
            ["description"] = "How the state is kept on Redis.",
        },
    };
}

/// <summary>A section given to AddCiba has the store's settings too.</summary>
public sealed class RedisConfigurationTests
{
    private static string Endpoint => RedisServers.Garnet.Endpoint;

    [Test]
    public async Task The_connection_string_and_the_options_of_the_section_are_taken()
    {
        var prefix = RedisNode.NewPrefix();
        await using var host = new CibaHost
        {
            Section = Section(("Redis", Endpoint), ("RedisStore:KeyPrefix", prefix), ("RedisStore:OperationTimeout", "00:00:47"), ("RedisStore:ProtectPayload", "false")),
            Setup = ciba => ciba.AddRedisStore(options => options.LookAgainAfter = TimeSpan.FromSeconds(7)),
        };
        await using var node = RedisNode.On(RedisServers.Garnet, 0, prefix, host.Time);

        var asked = await host.AuthorizeAsync();
        var options = (await host.ServicesAsync()).GetRequiredService<IOptions<CibaRedisOptions>>().Value;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await node.Store.GetAsync(RedisHosts.Handle(asked.AuthReqId), FakeUsers.SubjectOf("alice"), host.Time.GetUtcNow(), CancellationToken.None), Is.Not.Null);
            Assert.That((options.OperationTimeout, options.LookAgainAfter), Is.EqualTo((TimeSpan.FromSeconds(47), TimeSpan.FromSeconds(7))));
        }
    }

    [Test]
    public async Task The_connection_string_goes_before_the_distributed_cache()
    {
        await using var host = new CibaHost
        {
            Section = Section(("Redis", Endpoint)),
            Setup = ciba =>
            {
                ciba.Services.AddStackExchangeRedisCache(cache => cache.ConnectionMultiplexerFactory = () => throw new RedisException("not this one"));
                ciba.AddRedisStore(options => options.KeyPrefix = RedisNode.NewPrefix());
            },
        };

        var ours = await (await host.ServicesAsync()).GetRequiredService<RedisMultiplexer>().GetAsync();

        Assert.That(ours.IsConnected, Is.True);
    }

    [TestCase("RedisStore:Prefix", "Ciba:RedisStore:Prefix is not a setting of AddCiba or of what is added to it; did you mean Ciba:RedisStore:KeyPrefix?")]
    [TestCase("RedisStor:KeyPrefix", "Ciba:RedisStor is not a setting of AddCiba or of what is added to it; did you mean Ciba:RedisStore?")]
    [TestCase("RedisStore:OperationTimeout", "Ciba:RedisStore:OperationTimeout must be a time span, for instance 00:00:30.")]
    public async Task A_setting_that_cannot_be_taken_is_named_with_its_cure(string name, string sentence)
    {
        await using var host = new CibaHost { Section = Section(("Redis", Endpoint), (name, "top-secret")), Setup = ciba => ciba.AddRedisStore() };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[] { sentence }));
    }

    [TestCase("redis:6379,passwort=top-secret"), TestCase("redis:6379,connectTimeout=top-secret")]
    public async Task A_connection_string_that_cannot_be_read_is_an_error_at_start_and_not_repeated(string text)
    {
        await using var host = new CibaHost { Section = Section(("Redis", text)), Setup = ciba => ciba.AddRedisStore() };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[]
        {
            "AddRedisStore(): the configuration must be a connection string of StackExchange.Redis, for instance redis:6379,password=...,ssl=true.",
        }));
    }

    [Test]
    public async Task Without_the_store_its_settings_are_not_known()
    {
        await using var host = new CibaHost { Section = Section(("Redis", Endpoint), ("RedisStore:KeyPrefix", "ciba")) };

        var exception = await Assert.ThrowsAsync<CibaConfigurationException>(host.StartedAsync);

        Assert.That(exception!.Problems, Is.EqualTo(new[]
        {
            "Ciba:Redis is not a setting of AddCiba or of what is added to it; correct its name or leave it out.",
            "Ciba:RedisStore is not a setting of AddCiba or of what is added to it; correct its name or leave it out.",
        }));
    }

    private static IConfigurationSection Section(params IEnumerable<(string Name, string Value)> settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create($"Ciba:{setting.Name}", (string?)setting.Value))).Build().GetSection("Ciba");
}
