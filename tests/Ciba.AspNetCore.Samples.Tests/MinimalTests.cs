using System.Net;
using System.Text.Json;

namespace Ciba.AspNetCore.Samples.Tests;

/// <summary>The sample in one file: the terminal is the user's phone.</summary>
public sealed class MinimalTests
{
    [Test]
    public void The_program_is_one_file_of_at_most_80_lines()
    {
        var sample = Path.Combine(Repository.Root, "samples", "Minimal");
        var sources = Directory.EnumerateFiles(sample, "*.cs", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(sample, path).Replace('\\', '/'))
            .Where(path => !path.StartsWith("obj/", StringComparison.Ordinal) && !path.StartsWith("bin/", StringComparison.Ordinal));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(sources, Is.EqualTo(["Program.cs"]));
            Assert.That(File.ReadAllLines(Path.Combine(sample, "Program.cs")), Has.Length.LessThanOrEqualTo(80));
        }
    }

    [TestCase("y", HttpStatusCode.OK, "id_token"), TestCase("n", HttpStatusCode.BadRequest, "access_denied")]
    public async Task A_poll_waits_for_what_the_user_types(string typed, HttpStatusCode status, string content)
    {
        await using var sample = await RunningSample.StartAsync("Minimal", "--urls=http://127.0.0.1:0");

        var authReqId = JsonElement.Parse((await sample.PostAsync("/bc-authorize", new("scope", "openid"), new("login_hint", "alice"), new("binding_message", "W4SCT"))).Body)
            .GetProperty("auth_req_id").GetString()!;
        var poll = sample.PostAsync("/token", new("grant_type", CibaGrantTypes.Ciba), new("auth_req_id", authReqId));
        await sample.TypeAsync(typed);
        var answer = await poll;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer.Status, Is.EqualTo(status));
            Assert.That(answer.Body, Does.Contain(content));
        }
    }
}
