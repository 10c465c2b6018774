using System.Net;
using System.Text.Json;

namespace Ciba.AspNetCore.Samples.Tests;

/// <summary>The program of the README, which a reader copies into a new project.</summary>
public sealed class ReadmeProgramTests
{
    [Test]
    public void The_README_has_about_150_lines() =>
        Assert.That(File.ReadAllLines(Path.Combine(Repository.Root, "README.md")), Has.Length.LessThanOrEqualTo(170));

    [Test]
    public async Task The_program_compiles_without_a_warning_and_accepts_a_request()
    {
        using var folder = new TemporaryFolder();
        await BuildAsync(folder.Path);
        await using var program = await RunningSample.StartProgramAsync(Path.Combine(folder.Path, "bin", Repository.Configuration, "net10.0", "Program.dll"), "--urls=http://127.0.0.1:0");

        var request = await program.PostAsync("/bc-authorize", new("scope", "openid"), new("login_hint", "alice"));
        var authReqId = JsonElement.Parse(request.Body).GetProperty("auth_req_id").GetString()!;
        var poll = await program.PostAsync("/token", new("grant_type", CibaGrantTypes.Ciba), new("auth_req_id", authReqId));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(request.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(poll.Body, Does.Contain("authorization_pending"));
            Assert.That(program.Output, Does.Contain("shop asks for approval"));
        }
    }

    private static async Task BuildAsync(string folder)
    {
        var code = File.ReadLines(Path.Combine(Repository.Root, "README.md")).SkipWhile(line => line != "<!-- program -->").Skip(2).TakeWhile(line => line != "```");
        await File.WriteAllLinesAsync(Path.Combine(folder, "Program.cs"), code);
        await File.WriteAllTextAsync(Path.Combine(folder, "Program.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk.Web">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
              </PropertyGroup>
              <ItemGroup>
                <ProjectReference Include="{Path.Combine(Repository.Root, "src", "Ciba.AspNetCore", "Ciba.AspNetCore.csproj")}" />
              </ItemGroup>
            </Project>
            """);
        await Repository.RunDotnetAsync("build", folder, "-c", Repository.Configuration, "-p:BuildProjectReferences=false", "-nodeReuse:false");
    }
}
