using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>What the options must hold, each rule with a sentence that says the cure.</summary>
internal sealed class RedisOptionRules(IOptions<CibaRedisOptions> options, IOptions<CibaOptions> cibaOptions, RedisSource source, IServiceProvider services) : ICibaStartupCheck
{
    /// <summary>Whether something is encrypted that other nodes must read, as far as the start can tell.</summary>
    public bool NeedsSharedKeys { get; private set; }

    public IEnumerable<string> FindProblems(IReadOnlyList<CibaClient> clients)
    {
        // Of the clients of a store of the host's own nothing is known here.
        NeedsSharedKeys = options.Value.ProtectPayload || cibaOptions.Value.CollapseIdenticalRequests || cibaOptions.Value.Dpop.RequireNonce
            || clients.Count == 0 || clients.Any(IsCalledBack);
        return FindAll(clients);
    }

    private IEnumerable<string> FindAll(IReadOnlyList<CibaClient> clients) => new[]
    {
        IsPrefix(options.Value.KeyPrefix) ? null : "KeyPrefix must be 1 to 64 letters, digits and . _ : -.",
        Between(nameof(CibaRedisOptions.OperationTimeout), options.Value.OperationTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1)),
        Between(nameof(CibaRedisOptions.LookAgainAfter), options.Value.LookAgainAfter, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5)),
        options.Value.ProtectPayload ? KeyRing("ProtectPayload needs") : null,
    }.OfType<string>().Select(rule => $"{nameof(CibaRedisOptions)}: {rule}").Concat(Source()).Concat(Collapsing()).Concat(Nonces()).Concat(Callbacks(clients));

    private static bool IsPrefix(string? prefix) =>
        prefix is { Length: >= 1 and <= 64 } && prefix.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '_' or ':' or '-');

    private static string? Between(string name, TimeSpan value, TimeSpan least, TimeSpan most) =>
        value < least || value > most ? $"{name} must be between {least:c} and {most:c}, not {value:c}." : null;

    private IEnumerable<string> Source() => source.FindProblem(services) is { } problem ? [problem] : [];

    // The auth_req_id that a client is given again is stored encrypted too.
    private IEnumerable<string> Collapsing() =>
        cibaOptions.Value.CollapseIdenticalRequests && KeyRing($"{nameof(CibaOptions.CollapseIdenticalRequests)} on Redis needs") is { } problem
            ? [$"{nameof(CibaOptions)}: {problem}"]
            : [];

    // One node gives out a nonce, and another may be sent it. Without any keys the core has said so.
    private IEnumerable<string> Nonces() =>
        cibaOptions.Value.Dpop is { RequireNonce: true } && services.GetService<IDataProtectionProvider>() is not null && KeyRing("Dpop.RequireNonce on Redis needs") is { } problem
            ? [$"{nameof(CibaOptions)}: {problem}"]
            : [];

    // What a callback needs is stored encrypted, and every node may have to send it.
    private IEnumerable<string> Callbacks(IReadOnlyList<CibaClient> clients) =>
        clients.FirstOrDefault(IsCalledBack) is { } client
        && KeyRing($"{client.BackchannelTokenDeliveryMode} mode on Redis needs") is { } problem
            ? [$"Client '{client.ClientId}': {problem}"]
            : [];

    private static bool IsCalledBack(CibaClient client) => client.BackchannelTokenDeliveryMode is CibaTokenDeliveryModes.Ping or CibaTokenDeliveryModes.Push;

    private string? KeyRing(string needs) => services.GetService<IDataProtectionProvider>() switch
    {
        null => $"{needs} services.AddDataProtection() with keys that all nodes share.",
        EphemeralDataProtectionProvider => $"{needs} Data Protection keys that all nodes share: those of UseEphemeralDataProtectionProvider are this process's own.",
        _ => null,
    };
}
