using System.Collections.Concurrent;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>Users whose hint is their name, and whose subject is that name behind "sub-".</summary>
public sealed class FakeUsers : ICibaUserLookup
{
    private readonly ConcurrentDictionary<string, bool> _inactive = new();

    /// <summary>The names of the users.</summary>
    public HashSet<string> Names { get; } = ["alice", "bob", "carol"];

    /// <summary>Names of users by other hints that name them.</summary>
    public Dictionary<string, string> Aliases { get; } = [];

    /// <summary>Codes by name.</summary>
    public Dictionary<string, string> Codes { get; } = [];

    /// <summary>What a login_hint_token leads to.</summary>
    public Func<string, CibaUserLookupResult> ReadLoginHintToken { get; set; } = _ => CibaUserLookupResult.Unknown;

    public ConcurrentQueue<CibaHint> Hints { get; } = new();

    /// <summary>Runs at every call, with the name of the method.</summary>
    public Action<string> OnCall { get; set; } = _ => { };

    public void Lock(string name) => _inactive[SubjectOf(name)] = true;

    public void Unlock(string name) => _inactive.TryRemove(SubjectOf(name), out _);

    public static string SubjectOf(string name) => $"sub-{name}";

    public ValueTask<CibaUserLookupResult> FindAsync(CibaHint hint, CibaClient client, CancellationToken cancellationToken)
    {
        Hints.Enqueue(hint);
        OnCall(nameof(FindAsync));
        return new(hint.Kind switch
        {
            CibaHintKind.LoginHint => Find(Aliases.GetValueOrDefault(hint.Value, hint.Value)),
            CibaHintKind.IdTokenHint when hint.Value.StartsWith("sub-", StringComparison.Ordinal) => Find(hint.Value[4..]),
            CibaHintKind.LoginHintToken => ReadLoginHintToken(hint.Value),
            _ => CibaUserLookupResult.Unknown,
        });
    }

    public ValueTask<bool> IsActiveAsync(string subject, CancellationToken cancellationToken)
    {
        OnCall(nameof(IsActiveAsync));
        return new(!_inactive.ContainsKey(subject));
    }

    public ValueTask<bool> IsUserCodeAsync(string subject, string userCode, CancellationToken cancellationToken)
    {
        OnCall(nameof(IsUserCodeAsync));
        return new(Codes.Any(code => SubjectOf(code.Key) == subject && code.Value == userCode));
    }

    private CibaUserLookupResult Find(string name) => Names.Contains(name)
        ? CibaUserLookupResult.Found(new CibaUser { Subject = SubjectOf(name), HasUserCode = Codes.ContainsKey(name) })
        : CibaUserLookupResult.Unknown;
}
