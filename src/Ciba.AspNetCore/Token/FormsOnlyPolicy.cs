using Ciba.AspNetCore.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Matching;

namespace Ciba.AspNetCore.Token;

/// <summary>
/// Where the host has a token endpoint on the same path, a body that is not a form is the host's alone. Else, if that endpoint takes
/// only forms, routing would prefer the library's endpoint to the 415 that the host answers without it.
/// </summary>
internal sealed class FormsOnlyPolicy : MatcherPolicy, INodeBuilderPolicy
{
    // After the policy for methods, so that an endpoint for another one does not count; before the policy for content types.
    public override int Order => -500;

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) =>
        !ContainsDynamicEndpoints(endpoints) && endpoints.Any(GrantTypePolicy.IsOurs) && endpoints.Any(GrantTypePolicy.IsTheHosts);

    public IReadOnlyList<PolicyNodeEdge> GetEdges(IReadOnlyList<Endpoint> endpoints) =>
    [
        new(true, endpoints),
        new(false, [.. endpoints.Where(endpoint => !GrantTypePolicy.IsOurs(endpoint) && endpoint.Metadata.GetMetadata<OtherMethods>() is null)]),
    ];

    public PolicyJumpTable BuildJumpTable(int exitDestination, IReadOnlyList<PolicyJumpTableEdge> edges) => new Table(
        Destination(true, exitDestination, edges), Destination(false, exitDestination, edges));

    private static int Destination(bool isForm, int exitDestination, IReadOnlyList<PolicyJumpTableEdge> edges)
    {
        foreach (var edge in edges)
        {
            if (edge.State is bool state && state == isForm)
            {
                return edge.Destination;
            }
        }

        return exitDestination;
    }

    private sealed class Table(int forms, int others) : PolicyJumpTable
    {
        public override int GetDestination(HttpContext httpContext) => FormParameters.IsForm(httpContext.Request) ? forms : others;
    }
}
