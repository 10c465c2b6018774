using Ciba.AspNetCore.Http;
using Ciba.AspNetCore.Token;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Startup;

/// <summary>
/// Looks at the endpoints before the server listens: two for the same requests would be an <c>AmbiguousMatchException</c> at the first
/// of these.
/// </summary>
internal sealed partial class EndpointCheck(ILogger<EndpointCheck> logger) : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        next(app);
        Check(Endpoints(app.ApplicationServices));
    };

    /// <summary>Warns of a host that has added CIBA and mapped none of it.</summary>
    public static void WarnIfUnmapped(IServiceProvider services)
    {
        if (!Endpoints(services).Any(IsOurs))
        {
            NothingIsMapped(services.GetRequiredService<ILogger<EndpointCheck>>());
        }
    }

    private void Check(IReadOnlyList<RouteEndpoint> endpoints)
    {
        var problems = new List<string>();
        foreach (var group in endpoints.Where(endpoint => endpoint.Order != int.MaxValue).GroupBy(endpoint => Normalize(endpoint.RoutePattern), StringComparer.OrdinalIgnoreCase))
        {
            var all = group.ToList();
            foreach (var endpoint in all.Where(IsOurs))
            {
                var others = all.Where(other => !ReferenceEquals(other, endpoint) && IsAmbiguous(endpoint, other)).ToList();
                if (others.Any(IsOurs))
                {
                    problems.Add($"{endpoint.DisplayName} is mapped more than once at {group.Key}: call MapCiba(), MapCibaDiscovery() and the like once each, or in route groups that differ by prefix or host.");
                }
                else if (others.Count > 0)
                {
                    IsAnswered(endpoint.DisplayName, group.Key, others[0].DisplayName);
                }
            }
        }

        if (problems.Count > 0)
        {
            throw new CibaConfigurationException([.. problems.Distinct()]);
        }
    }

    private static List<RouteEndpoint> Endpoints(IServiceProvider services) => [.. services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()];

    private static bool IsOurs(Endpoint endpoint) => endpoint.Metadata.GetMetadata<CibaEndpointMetadata>() is not null;

    private static bool IsToken(Endpoint endpoint) => endpoint.Metadata.GetMetadata<CibaTokenEndpointMetadata>() is not null;

    // On the token path the grant type decides between the library and the host.
    private static bool IsAmbiguous(RouteEndpoint one, RouteEndpoint other) =>
        one.Order == other.Order
        && IsToken(one) == IsToken(other)
        && Overlap(one.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods, other.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods)
        && Overlap(one.Metadata.GetMetadata<IHostMetadata>()?.Hosts, other.Metadata.GetMetadata<IHostMetadata>()?.Hosts);

    // What names none is for all that others do not take.
    private static bool Overlap(IReadOnlyList<string>? ones, IReadOnlyList<string>? others) =>
        ones is { Count: > 0 } && others is { Count: > 0 } ? ones.Intersect(others, StringComparer.OrdinalIgnoreCase).Any() : ones is not { Count: > 0 } && others is not { Count: > 0 };

    // Whatever a parameter is called.
    private static string Normalize(RoutePattern pattern) => "/" + string.Join('/', pattern.PathSegments.Select(segment => string.Concat(segment.Parts.Select(part => part switch
    {
        RoutePatternLiteralPart literal => literal.Content,
        RoutePatternSeparatorPart separator => separator.Content,
        RoutePatternParameterPart parameter => $"{{{string.Concat(parameter.ParameterPolicies.Select(policy => $":{policy.Content}"))}}}",
        _ => "",
    }))));

    [LoggerMessage(1, LogLevel.Warning, "AddCiba was called, and no endpoint of CIBA is mapped: call MapCiba(), or MapCibaAuthentication() for a token endpoint of your own", EventName = "NothingMapped")]
    private static partial void NothingIsMapped(ILogger logger);

    [LoggerMessage(2, LogLevel.Warning, "{Endpoint} is mapped at {Path}, where the host has {Other} for the same requests: they will fail unless something decides between the two. Map one of them", EventName = "EndpointAmbiguous")]
    private partial void IsAnswered(string? endpoint, string path, string? other);
}
