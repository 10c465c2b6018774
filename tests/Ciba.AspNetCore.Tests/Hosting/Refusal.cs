using System.Net;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>What every refusal is held to.</summary>
public static class Refusal
{
    public const string Unproven =
        """{"error":"invalid_client","error_description":"Client authentication failed. Send the credentials of the registered token_endpoint_auth_method and no others: """
        + """an Authorization: Basic header with client_id and client_secret, each form-encoded; client_id and client_secret in the form; """
        + """client_assertion with client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer; or client_id and the TLS certificate."}""";

    /// <summary>Section 13: this status and code, a JSON body with error and error_description alone, and nothing kept anywhere.</summary>
    public static void Says(Answer answer, string error, int status = 400)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo((HttpStatusCode)status), answer.Body);
            Assert.That(answer.Header("Content-Type"), Is.EqualTo("application/json"));
            Assert.That(answer.Header("Cache-Control"), Is.EqualTo("no-store"));
            Assert.That(answer.Header("Pragma"), Is.EqualTo("no-cache"));
            Assert.That(answer.Json.EnumerateObject().Select(member => member.Name), Is.EqualTo(new[] { "error", "error_description" }));
            Assert.That(answer.Error, Is.EqualTo(error), answer.Body);
            Assert.That(answer.Description, Does.Match(@"^[ !#-\[\]-~]+$"));
        }
    }

    /// <summary>
    /// What every caller gets that has not proved to be a client, whoever it is and whatever it sent; the reason stands in the log
    /// alone.
    /// </summary>
    public static void IsUnproven(CibaHost host, Answer answer, string? reason = null, int? retryAfter = null)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Unauthorized), answer.Body);
            Assert.That(answer.Body, Is.EqualTo(Unproven));
            Assert.That(
                answer.Response.Headers.Where(header => header.Key is not ("Date" or "Server")).Select(header => $"{header.Key}: {string.Join(", ", header.Value)}").Order(),
                Is.EqualTo(new[] { "Cache-Control: no-store", "Pragma: no-cache", retryAfter is null ? null : $"Retry-After: {retryAfter}", "WWW-Authenticate: Basic realm=\"CIBA\", charset=\"UTF-8\"", "X-Content-Type-Options: nosniff" }.OfType<string>()));
            Assert.That(LastReason(host), reason is null ? Is.Not.Null : Does.Contain(reason));
        }
    }

    /// <summary>What a client is told that has proved itself, and whose credentials are not acceptable all the same.</summary>
    public static void IsProven(CibaHost host, Answer answer, string description)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Unauthorized), answer.Body);
            Assert.That(answer.Body, Is.EqualTo($$"""{"error":"invalid_client","error_description":"{{description}}"}"""));
            Assert.That(LastReason(host), Does.Contain(description), "the operator reads the same");
        }
    }

    private static string? LastReason(CibaHost host) =>
        host.Log.Ours.LastOrDefault(line => line.Text.Contains(" failed to authenticate", StringComparison.Ordinal))?.Text;

    /// <summary>The refusal, and that nothing is stored and nobody was told (A20).</summary>
    public static async Task LeavesNothingAsync(CibaHost host, Answer answer, string error, int status = 400)
    {
        Says(answer, error, status);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((await host.StoreAsync()).Count, Is.Zero, "requests stored");
            Assert.That(host.Devices.Calls, Is.Zero, "devices called");
        }
    }
}
