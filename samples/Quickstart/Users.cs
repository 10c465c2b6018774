using System.Security.Cryptography;
using System.Text;
using Ciba.AspNetCore;

namespace Quickstart;

/// <summary>A user as <c>Quickstart:Users</c> has it.</summary>
public sealed class User
{
    public required string Subject { get; init; }

    public string? Username { get; init; }

    public string? Password { get; init; }

    public string? Name { get; init; }

    public string? Email { get; init; }

    public string? Phone { get; init; }

    public string? UserCode { get; init; }

    public bool Active { get; init; } = true;
}

/// <summary>The users, found by everything that a login_hint may be.</summary>
public sealed class UserList
{
    private readonly Dictionary<string, User> _byHint = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, User> _bySubject = new(StringComparer.Ordinal);

    public UserList(IReadOnlyList<User> users)
    {
        All = users;
        foreach (var user in users)
        {
            if (string.IsNullOrEmpty(user.Subject) || !_bySubject.TryAdd(user.Subject, user))
            {
                throw new InvalidOperationException($"Quickstart:Users: user '{user.Username}' has no Subject, or that of another user.");
            }

            foreach (var hint in new[] { user.Username, user.Email, user.Phone })
            {
                if (!string.IsNullOrEmpty(hint) && !_byHint.TryAdd(hint, user))
                {
                    throw new InvalidOperationException($"Quickstart:Users: '{hint}' is the name, e-mail address or phone number of two users.");
                }
            }
        }
    }

    public IReadOnlyList<User> All { get; }

    public User? BySubject(string subject) => _bySubject.GetValueOrDefault(subject);

    public User? ByHint(string hint) => _byHint.GetValueOrDefault(hint) ?? BySubject(hint);

    public User? ByUsername(string username) => All.FirstOrDefault(user => user.Username == username);

    public User? BySignIn(string username, string password) =>
        ByUsername(username) is { Active: true, Password: { } expected } user && IsSame(expected, password)
            ? user
            : null;

    public static bool IsSame(string expected, string given) => CryptographicOperations.FixedTimeEquals(
        SHA256.HashData(Encoding.UTF8.GetBytes(expected)),
        SHA256.HashData(Encoding.UTF8.GetBytes(given)));
}

/// <summary>What CIBA asks of the users.</summary>
public sealed class Users(UserList users) : ICibaUserLookup
{
    public ValueTask<CibaUserLookupResult> FindAsync(CibaHint hint, CibaClient client, CancellationToken cancellationToken)
    {
        var user = hint.Kind switch
        {
            CibaHintKind.LoginHint => users.ByHint(hint.Value),
            CibaHintKind.IdTokenHint => users.BySubject(hint.Value),
            _ => null,
        };
        return new(user is null
            ? CibaUserLookupResult.Unknown
            : CibaUserLookupResult.Found(new CibaUser { Subject = user.Subject, HasUserCode = !string.IsNullOrEmpty(user.UserCode) }));
    }

    public ValueTask<bool> IsActiveAsync(string subject, CancellationToken cancellationToken) =>
        new(users.BySubject(subject) is { Active: true });

    public ValueTask<bool> IsUserCodeAsync(string subject, string userCode, CancellationToken cancellationToken) =>
        new(users.BySubject(subject) is { UserCode: { } expected } && UserList.IsSame(expected, userCode));
}
