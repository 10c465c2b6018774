using System.Text.Json;
using System.Text.Json.Nodes;
using Ciba.AspNetCore.Discovery;
using Ciba.AspNetCore.Issuers;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore;

/// <summary>
/// What the provider says of CIBA (CIBA Core section 4), for hosts with a discovery document of their own. A service, one for the
/// whole host, or with <c>AddTenants</c> one for each scope; hosts without such a document have <c>MapCibaDiscovery</c>.
/// </summary>
public sealed class CibaMetadata
{
    private const string CibaOnly = "backchannel_";
    private const string GrantTypes = "grant_types_supported";
    private const string BoundTokens = "tls_client_certificate_bound_access_tokens";
    private const string Aliases = "mtls_endpoint_aliases";

    // OpenID Connect Discovery section 3: what a document without grant_types_supported says.
    private static readonly string[] UnsaidGrantTypes = ["authorization_code", "implicit"];

    // These lists tell of all that the host issues, which the host knows better.
    private static readonly string[] TheHosts = ["response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported"];

    private readonly ProviderUrls _urls;
    private readonly IOptions<CibaOptions> _options;

    internal CibaMetadata(ProviderUrls urls, IOptions<CibaOptions> options)
    {
        _urls = urls;
        _options = options;
    }

    /// <summary>
    /// The entries that are CIBA's alone, for servers that take further entries as a dictionary:
    /// <c>backchannel_authentication_endpoint</c> (a string), <c>backchannel_token_delivery_modes_supported</c> (strings),
    /// <c>backchannel_user_code_parameter_supported</c> (a boolean) and, where requests may be signed,
    /// <c>backchannel_authentication_request_signing_alg_values_supported</c> (strings). What such a server lists itself,
    /// <c>grant_types_supported</c> above all, it must be told in its own way.
    /// </summary>
    public IReadOnlyDictionary<string, object> Entries => Ours()
        .Where(entry => IsCibaOnly(entry.Key))
        .ToDictionary(entry => entry.Key, entry => Plain(entry.Value!));

    /// <summary>
    /// Sets what is CIBA's alone, and adds to the lists <c>grant_types_supported</c>, <c>scopes_supported</c>,
    /// <c>token_endpoint_auth_methods_supported</c>, <c>token_endpoint_auth_signing_alg_values_supported</c>,
    /// <c>acr_values_supported</c>, <c>authorization_details_types_supported</c> and, where DPoP is on
    /// (<see cref="CibaDpopOptions.SigningAlgValuesSupported"/>), <c>dpop_signing_alg_values_supported</c> what CIBA has and they have not. With <see cref="CibaOptions.MutualTls"/> on,
    /// <c>tls_client_certificate_bound_access_tokens</c> becomes true, and <c>mtls_endpoint_aliases</c> gains what it lacks. All else is
    /// left as it is: <c>issuer</c>, <c>token_endpoint</c> and <c>jwks_uri</c> above all.
    /// </summary>
    /// <param name="document">The host's discovery document.</param>
    /// <returns>The same document.</returns>
    /// <exception cref="ArgumentException">One of the lists is there and is no array.</exception>
    public JsonObject MergeInto(JsonObject document)
    {
        ArgumentNullException.ThrowIfNull(document);
        foreach (var (name, value) in Ours())
        {
            if (IsCibaOnly(name) || name == BoundTokens)
            {
                document[name] = value!.DeepClone();
            }
            else if (name == Aliases)
            {
                MergeAliases(document, value!.AsObject());
            }
            else if (value is JsonArray values && !TheHosts.Contains(name))
            {
                Unite(document, name, values);
            }
        }

        return document;
    }

    // RFC 8705 section 5: an alias of what stands in the document.
    private void MergeAliases(JsonObject document, JsonObject ours)
    {
        if (document[Aliases] is not JsonObject aliases)
        {
            document[Aliases] = aliases = [];
        }

        foreach (var (name, alias) in ours.Where(alias => IsCibaOnly(alias.Key) || document[alias.Key]?.ToString() == _urls.TokenEndpoint))
        {
            aliases[name] = alias!.DeepClone();
        }
    }

    private static bool IsCibaOnly(string name) => name.StartsWith(CibaOnly, StringComparison.Ordinal);

    private static void Unite(JsonObject document, string name, JsonArray ours)
    {
        var theirs = document[name] switch
        {
            JsonArray list => list,
            null => name == GrantTypes ? [.. UnsaidGrantTypes.Select(type => JsonValue.Create(type))] : new JsonArray(),
            _ => throw new ArgumentException($"{name} is no array in the document.", nameof(document)),
        };
        foreach (var value in ours.Where(value => !theirs.Any(known => JsonNode.DeepEquals(known, value))))
        {
            theirs.Add(value!.DeepClone());
        }

        if (theirs.Parent is null)
        {
            document[name] = theirs;
        }
    }

    private static object Plain(JsonNode value) => value switch
    {
        JsonArray list => list.Select(item => item!.GetValue<string>()).ToArray(),
        _ when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>(),
        _ => value.GetValue<bool>(),
    };

    private JsonObject Ours() =>
        JsonSerializer.SerializeToNode(DiscoveryDocument.Of(_urls, _options.Value, [], hasPairwiseSubjects: false), DiscoveryJson.Relaxed.DiscoveryDocument)!.AsObject();
}
