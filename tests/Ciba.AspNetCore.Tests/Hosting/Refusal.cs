using System.Net;

namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>What every refusal is held to.</summary>
public static class Refusal
{
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
