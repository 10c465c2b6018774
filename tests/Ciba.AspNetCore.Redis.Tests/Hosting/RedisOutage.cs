namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>A provider whose Redis lies behind a network that fails, and at the end a look at what its log tells.</summary>
public abstract class RedisOutage(string kind)
{
    protected const string Message = "pay-for-4711";
    protected const string UserCode = "code-8157";

    private readonly List<string> _secrets = [];

    protected string Prefix { get; } = RedisNode.NewPrefix();

    protected FakeTokens Tokens { get; } = new();

    protected RedisServer Server => RedisServers.Get(kind);

    protected FaultProxy Proxy { get; private set; } = null!;

    protected CibaHost Host { get; private set; } = null!;

    [SetUp]
    public async Task StartAsync()
    {
        // Or a step would be two round trips, and a test would break the first.
        await Server.LoadScriptsAsync();
        Proxy = new FaultProxy(Server);
        Host = RedisHosts.On(Proxy.Endpoint, Prefix, options: Configure, add: builder =>
        {
            CallbackCalls.WithoutLooks(builder);
            Tokens.Use(builder);
            Add(builder);
        });
        var client = CibaHost.Client("with-codes");
        client.BackchannelUserCodeParameter = true;
        Host.Clients.Add(client);
        Host.Clients.Add(ClientCalls.KeyClient("with-key", TestKey.Set(TestKey.For("ES256").Jwk())));
        await Host.StartedAsync().WaitAsync(RedisHosts.Bound);
    }

    [TearDown]
    public async Task EndAsync()
    {
        await Host.DisposeAsync();
        await Proxy.DisposeAsync();

        var log = string.Join('\n', Host.Log.Ours);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Host.Log.Ours, Is.Not.Empty);
            foreach (var secret in (string[])[.. _secrets, Message, UserCode, "alice", "access-1", "access-2", CibaHost.Secret])
            {
                Assert.That(log, Does.Not.Contain(secret));
            }
        }
    }

    private static void Configure(CibaOptions options)
    {
        // Nothing is to go to Redis but what a test asks for.
        CallbackCalls.Quietly(options);
        options.Limits.PendingPerUser = 3;
    }

    protected virtual void Add(CibaBuilder builder)
    {
    }

    /// <summary>A request that waits, for which alice's device was told.</summary>
    protected async Task<string> AskedAsync()
    {
        var authReqId = await Host.AuthorizedAsync(("binding_message", Message));
        var handle = RedisHosts.Handle(authReqId);

        // Without its first letter it is the name of a key, from which the letter can be worked out.
        _secrets.AddRange([authReqId, handle[1..]]);
        return authReqId;
    }

    protected async Task<string> ApprovedAsync()
    {
        var authReqId = await AskedAsync();
        await Host.AnsweredAsync(authReqId, "approve");
        return authReqId;
    }

    protected Task<Answer> AnswerAsync(string authReqId, string verb) => Host.AnswerAsync(authReqId, verb);

    protected Task<Answer> AuthorizeWithCodeAsync() =>
        Host.AuthorizeAsync(("client_id", "with-codes"), ("user_code", UserCode), ("binding_message", Message));

    protected Task<Answer> AuthorizeWithKeyAsync() =>
        Host.AuthorizeAsync(TestJwt.Form(new TestJwt(Host, "with-key").Sign(TestKey.For("ES256")), ("binding_message", Message)));

    /// <summary>The way is free again and found again; nothing comes through that was on it before.</summary>
    protected Task ResumeAsync()
    {
        Proxy.Refuse();
        Proxy.Resume();
        return Host.BackAsync();
    }

    protected Task StatusIsAsync(string authReqId, string status) =>
        RedisHosts.UntilAsync(async () => await Server.StatusAsync(Prefix, authReqId) == status);

    /// <summary>Waits until a poll that nobody heard the end of has given the approval back, which it tries once a second.</summary>
    protected Task TakenBackAsync(string authReqId)
    {
        Host.Time.Advance(TimeSpan.FromSeconds(1));
        return RedisHosts.UntilAsync(async () => await Server.StatusAsync(Prefix, authReqId) == "A", Host);
    }
}
