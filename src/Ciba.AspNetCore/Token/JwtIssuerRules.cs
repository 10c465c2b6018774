using Ciba.AspNetCore.Clients;
using Ciba.AspNetCore.Profiles;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Token;

/// <summary>What a client's registration must not ask of the ready token issuer, said before a user is asked.</summary>
internal sealed class JwtIssuerRules(SigningKeys keys, IOptions<CibaJwtTokenIssuerOptions> options, IOptions<CibaOptions> provider) : IIssuerRules
{
    public IReadOnlyList<string> Check(CibaClient client) =>
        client is { IdTokenSignedResponseAlg: null, SubjectType: CibaSubjectTypes.Public } && (IsAllowed(keys.Default) || !FapiCiba.AppliesTo(client, provider.Value)) ? [] : [.. Problems(client)];

    private static bool IsAllowed(string algorithm) => FapiCiba.Algorithms.Contains(algorithm);

    private IEnumerable<string> Problems(CibaClient client)
    {
        if (client.IdTokenSignedResponseAlg is { } algorithm && !keys.Algorithms.Contains(algorithm))
        {
            yield return $"Client '{client.ClientId}': IdTokenSignedResponseAlg '{algorithm}': there is no such key; give AddJwtTokenIssuer one, or use one of {string.Join(", ", keys.Algorithms)}.";
        }

        if (client.IdTokenSignedResponseAlg is null && !IsAllowed(keys.Default) && FapiCiba.AppliesTo(client, provider.Value))
        {
            yield return $"Client '{client.ClientId}': FAPI-CIBA: ID Tokens would be signed with {keys.Default}; set IdTokenSignedResponseAlg to PS256 or ES256, or give AddJwtTokenIssuer such a key first.";
        }

        if (client.SubjectType == CibaSubjectTypes.Pairwise && options.Value.PairwiseSubjectSalt is null)
        {
            yield return $"Client '{client.ClientId}': SubjectType 'pairwise' needs {nameof(CibaJwtTokenIssuerOptions)}.{nameof(CibaJwtTokenIssuerOptions.PairwiseSubjectSalt)}: set it in AddJwtTokenIssuer.";
        }
    }
}
