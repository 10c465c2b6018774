using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Tokens;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>The signing keys of a token issuer of the host's own, which change while the host runs.</summary>
public sealed class RotatingKeys : ICibaSigningKeys
{
    public required SigningCredentials[] Now { get; set; }

    /// <summary>A host whose token issuer has these keys.</summary>
    public CibaHost Host() => new()
    {
        Setup = ciba =>
        {
            new FakeTokens().Use(ciba);
            ciba.Services.AddSingleton<ICibaSigningKeys>(this);
        },
    };

    public ValueTask<IReadOnlyList<SigningCredentials>> GetAsync(CancellationToken cancellationToken) => new(Now);
}
