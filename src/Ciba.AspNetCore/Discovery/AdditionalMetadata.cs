using System.Text.Json;
using System.Text.Json.Nodes;
using Ciba.AspNetCore.Issuers;
using Microsoft.Extensions.Options;

namespace Ciba.AspNetCore.Discovery;

/// <summary>The members of the discovery document that the host adds (<see cref="CibaDiscoveryOptions.AdditionalMetadata"/>).</summary>
internal static class AdditionalMetadata
{
    private const string Aliases = "mtls_endpoint_aliases";
    private const string Endpoint = "_endpoint";

    // Lists of what the whole host can do, and so more than the library. The other members tell of the library's endpoints alone.
    private static readonly string[] OpenLists =
    [
        "acr_values_supported", "authorization_details_types_supported", "grant_types_supported", "response_types_supported", "scopes_supported", "subject_types_supported",
    ];

    // A profile says what may be listed here.
    private static readonly string[] ProfileLists =
        ["id_token_signing_alg_values_supported", "token_endpoint_auth_methods_supported", "token_endpoint_auth_signing_alg_values_supported"];

    private static readonly HashSet<string> Published = [.. DiscoveryJson.Default.DiscoveryDocument.Properties.Select(property => property.Name)];

    /// <summary>The library's document with the host's members.</summary>
    public static JsonObject Merge(JsonObject document, JsonObject additional)
    {
        foreach (var (name, value) in additional)
        {
            switch (document[name], value)
            {
                case (JsonArray ours, JsonArray theirs):
                    foreach (var entry in theirs.Where(entry => !Contains(ours, entry)))
                    {
                        ours.Add(entry!.DeepClone());
                    }

                    break;

                case (JsonObject ours, JsonObject theirs):
                    foreach (var (member, node) in theirs)
                    {
                        ours[member] = node!.DeepClone();
                    }

                    break;

                default:
                    document[name] = value!.DeepClone();
                    break;
            }
        }

        return document;
    }

    /// <summary>What cannot be published, each with its cure.</summary>
    public static IEnumerable<string> Check(IOptions<CibaOptions> options, bool hasTenants)
    {
        var additional = options.Value.Discovery.AdditionalMetadata;
        if (additional.Count == 0)
        {
            return [];
        }

        // What depends on the tenant is none of these addresses.
        var urls = new ProviderUrls(hasTenants ? "https://tenant.invalid" : options.Value.Issuer, options);
        var document = ToJson(DiscoveryDocument.Of(urls, options.Value, [], hasPairwiseSubjects: false));
        return additional.SelectMany(member => Check(member.Key, member.Value, document, options.Value))
            .Select(problem => $"{nameof(CibaOptions)}: {nameof(CibaOptions.Discovery)}.{nameof(CibaDiscoveryOptions.AdditionalMetadata)}: {problem}.");
    }

    public static JsonObject ToJson(DiscoveryDocument document) => JsonSerializer.SerializeToNode(document, DiscoveryJson.Relaxed.DiscoveryDocument)!.AsObject();

    private static IEnumerable<string> Check(string name, JsonNode? value, JsonObject document, CibaOptions options)
    {
        var ours = document[name];
        if (value is null)
        {
            return [$"{name} is null; leave it out"];
        }

        if (name == Aliases)
        {
            return value is JsonObject aliases ? aliases.Select(alias => CheckAlias(alias.Key, alias.Value, document, options)).OfType<string>() : [$"{Aliases} must be an object"];
        }

        if (OpenLists.Contains(name) || (ProfileLists.Contains(name) && options.Profile == CibaProfile.Core))
        {
            return CheckList(name, value, ours as JsonArray ?? []);
        }

        if (Published.Contains(name))
        {
            return JsonNode.DeepEquals(value, ours) ? [] : [$"{name} contradicts what the library publishes; leave it out"];
        }

        return name.EndsWith(Endpoint, StringComparison.Ordinal) && !IsUrl(value, options.RequireHttps) ? [$"{name} must be an absolute https URL (http only for loopback, or with RequireHttps switched off)"] : [];
    }

    private static IEnumerable<string> CheckList(string name, JsonNode value, JsonArray ours)
    {
        if (value is not JsonArray list || list.Any(entry => entry?.GetValueKind() != JsonValueKind.String))
        {
            return [$"{name} must be a list of texts"];
        }

        return ours.Where(entry => !Contains(list, entry)).Select(entry => $"{name} lacks '{entry}', which the library publishes; add it, or leave {name} out");
    }

    // RFC 8705 section 5: an alias of what stands in the document.
    private static string? CheckAlias(string name, JsonNode? value, JsonObject document, CibaOptions options)
    {
        if (document[Aliases]?[name] is { } ours)
        {
            return JsonNode.DeepEquals(value, ours) ? null : $"{Aliases}.{name} contradicts what the library publishes; leave it out";
        }

        if (Published.Contains(name))
        {
            return $"{Aliases}.{name} is the library's to publish; set MutualTls.BaseAddress instead";
        }

        if (!name.EndsWith(Endpoint, StringComparison.Ordinal) || !options.Discovery.AdditionalMetadata.ContainsKey(name))
        {
            return $"{Aliases}.{name} is no alias of an endpoint in the document; add {name} beside {Aliases}, or leave it out";
        }

        return IsUrl(value, options.RequireHttps) ? null : $"{Aliases}.{name} must be an absolute https URL (http only for loopback, or with RequireHttps switched off)";
    }

    private static bool IsUrl(JsonNode? value, bool requireHttps) =>
        value?.GetValueKind() == JsonValueKind.String
        && Uri.TryCreate(value.GetValue<string>(), UriKind.Absolute, out var uri)
        && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && (uri.IsLoopback || !requireHttps)));

    private static bool Contains(JsonArray list, JsonNode? entry) => list.Any(known => JsonNode.DeepEquals(known, entry));
}
