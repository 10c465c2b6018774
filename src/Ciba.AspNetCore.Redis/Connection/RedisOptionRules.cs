using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Redis.Connection;

/// <summary>What the options must hold, each rule with a sentence that says the cure.</summary>
internal sealed class RedisOptionRules(IOptions<CibaRedisOptions> options, IServiceProvider services) : ICibaStartupCheck
{
    public IEnumerable<string> FindProblems() => new[]
    {
        IsPrefix(options.Value.KeyPrefix) ? null : "KeyPrefix must be 1 to 64 letters, digits and . _ : -.",
        Between(nameof(CibaRedisOptions.OperationTimeout), options.Value.OperationTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(1)),
        Between(nameof(CibaRedisOptions.LookAgainAfter), options.Value.LookAgainAfter, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5)),
        options.Value.ProtectPayload ? KeyRing() : null,
    }.OfType<string>().Select(rule => $"{nameof(CibaRedisOptions)}: {rule}");

    private static bool IsPrefix(string? prefix) =>
        prefix is { Length: >= 1 and <= 64 } && prefix.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '_' or ':' or '-');

    private static string? Between(string name, TimeSpan value, TimeSpan least, TimeSpan most) =>
        value < least || value > most ? $"{name} must be between {least:c} and {most:c}." : null;

    private string? KeyRing() => services.GetService<IDataProtectionProvider>() switch
    {
        null => "ProtectPayload needs services.AddDataProtection() with keys that all nodes share.",
        EphemeralDataProtectionProvider => "ProtectPayload needs Data Protection keys that all nodes share: those of UseEphemeralDataProtectionProvider are this process's own.",
        _ => null,
    };
}
