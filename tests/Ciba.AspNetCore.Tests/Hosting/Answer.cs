using System.Net;
using System.Text.Json;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>What came back: the status, the headers and the whole body.</summary>
public sealed class Answer(HttpResponseMessage response, string body)
{
    public HttpResponseMessage Response { get; } = response;

    public HttpStatusCode Status => Response.StatusCode;

    public string Body { get; } = body;

    public JsonElement Json => JsonElement.Parse(Body);

    public string? Error => Text("error");

    public string? Description => Text("error_description");

    public string AuthReqId => Text("auth_req_id") ?? throw new AssertionException($"No auth_req_id in {(int)Status}: {Body}");

    public string? Text(string name) => Json.TryGetProperty(name, out var value) ? value.GetString() : null;

    public string? Header(string name) =>
        Response.Headers.TryGetValues(name, out var values) || Response.Content.Headers.TryGetValues(name, out values) ? string.Join(", ", values) : null;
}
