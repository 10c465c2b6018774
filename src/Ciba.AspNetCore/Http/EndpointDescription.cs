using System.Reflection;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;

namespace Ciba.AspNetCore.Http;

/// <summary>
/// What an endpoint takes and answers, as metadata for the host's OpenAPI document. The schemas come from the types that are
/// read and written.
/// </summary>
internal static class EndpointDescription
{
    public const string Tag = "CIBA";

    public const string DpopProof = "A proof of possession of the key that the access token is to be bound to (RFC 9449).";

    public static object NoContent => new ProducesResponseTypeMetadata(StatusCodes.Status204NoContent, typeof(void));

    // Not IAcceptsMetadata, for routing would answer 415 by it where the protocol asks for a 400.
    public static object[] Of(string summary, Delegate signature) =>
    [
        signature.Method,
        .. signature.Method.GetParameters().Select(parameter => new Parameter(parameter)),
        new EndpointSummaryAttribute(summary),
    ];

    public static ProducesResponseTypeMetadata Answer<T>(int status) => new(status, typeof(T), ["application/json"]);

    public static ProducesResponseTypeMetadata Problem(int status) => new(status, typeof(ProblemDetails), ["application/problem+json"]);

    public static IEnumerable<object> Errors(params int[] statuses) => statuses.Append(StatusCodes.Status503ServiceUnavailable).Select(Answer<ErrorResponse>);

    // Never called: the endpoints read their requests themselves.
    public static void None()
    {
    }

    private sealed class Parameter(ParameterInfo parameter) : IParameterBindingMetadata
    {
        public string Name => parameter.Name!;

        public bool HasTryParse => parameter.ParameterType == typeof(string);

        public bool HasBindAsync => false;

        public ParameterInfo ParameterInfo => parameter;

        public bool IsOptional => parameter.HasDefaultValue;
    }
}
