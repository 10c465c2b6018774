using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ciba.AspNetCore.Tests;

/// <summary>A host that forgets to protect the device API reads so at the start.</summary>
[Spec("U2")]
public sealed class DeviceAuthorizationTests
{
    private const string Warning = "has no authorization policy; call RequireAuthorization() on what MapCibaDevice returns";

    private static IEnumerable<TestCaseData> Hosts()
    {
        yield return Case(app => app.MapCibaDevice("/device"), 1, "nothing");
        yield return Case(app => app.MapCibaDevice("/device").RequireAuthorization().AllowAnonymous(), 1, "AllowAnonymous");
        yield return Case(app => app.MapGroup("/phone").MapCibaDevice("/device"), 1, "nothing, in a group");
        yield return Case(app => app.MapCibaDevice("/device").RequireAuthorization(), 0, "RequireAuthorization");
        yield return Case(app => app.MapCibaDevice("/device").RequireAuthorization(policy => policy.RequireClaim("phone")), 0, "a policy");
        yield return Case(app => app.MapGroup("/phone").RequireAuthorization().MapCibaDevice("/device"), 0, "a group with RequireAuthorization");
        yield return Case(app => app.MapCiba(), 0, "no device API");

        static TestCaseData Case(Action<WebApplication> map, int warnings, string name) => new TestCaseData(map, warnings).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Hosts))]
    public async Task What_is_open_to_everybody_is_told_once(Action<WebApplication> map, int warnings)
    {
        await using var host = Host(map);
        await host.StartedAsync();

        Assert.That(Warnings(host), Has.Exactly(warnings).Contains(Warning).And.Exactly(warnings).Items);
    }

    [TestCase(false, 0), TestCase(true, 1)]
    public async Task A_fallback_policy_protects_it_unless_it_is_open_on_purpose(bool isAnonymous, int warnings)
    {
        await using var host = Host(
            app => _ = isAnonymous ? app.MapCibaDevice("/device").AllowAnonymous() : app.MapCibaDevice("/device"),
            options => options.FallbackPolicy = new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        await host.StartedAsync();

        Assert.That(Warnings(host), Has.Exactly(warnings).Items);
    }

    [Test]
    public async Task The_warning_has_the_path()
    {
        await using var host = Host(app => app.MapGroup("/phone").MapCibaDevice("/device"));
        await host.StartedAsync();

        Assert.That(Warnings(host), Is.EqualTo(new[] { $"The device API at /phone/device/requests {Warning}" }));
    }

    private static IEnumerable<string> Warnings(CibaHost host) =>
        host.Log.Ours.Where(line => line.Level == LogLevel.Warning && line.Text.Contains("device API", StringComparison.Ordinal)).Select(line => line.Text.Trim());

    private static CibaHost Host(Action<WebApplication> map, Action<AuthorizationOptions>? options = null) => new()
    {
        Setup = ciba =>
        {
            ciba.Services.AddAuthentication();
            ciba.Services.AddAuthorization(options ?? (_ => { }));
        },
        Map = app => app.UseAuthorization(),
        Endpoints = map,
    };
}
