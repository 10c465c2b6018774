using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Ciba.AspNetCore;
using Microsoft.Extensions.Options;

namespace Quickstart;

/// <summary>
/// The page's consumption device: it acts as one of the configured clients, whose secret the browser never sees, and shows the
/// browser how its requests fare.
/// </summary>
public static class Desk
{
    public static void MapDesk(this IEndpointRouteBuilder endpoints)
    {
        var desk = endpoints.MapGroup("/desk");
        desk.MapGet("", ShowAsync);
        desk.MapPost("/requests", StartAsync);
        desk.MapGet("/requests/{id}", (string id, DeskRuns runs) => runs.Find(id) is { } run ? Results.Ok(run.State) : Results.NotFound());
        desk.MapPost("/requests/{id}/cancel", (string id, DeskRuns runs) => runs.Find(id)?.CancelAsync() ?? Task.CompletedTask);
    }

    private static async Task<IResult> ShowAsync(DeskRuns runs, DeskClient provider, UserList users, IOptions<CibaOptions> options, CancellationToken cancellationToken)
    {
        var discovered = await provider.DiscoverAsync(cancellationToken);
        return Results.Ok(new DeskOffer(
            [.. runs.Clients.Select(client => new DeskClientOffer(client.ClientId, client.ClientName, client.BackchannelUserCodeParameter, MayCharge(client, discovered)))],
            [.. users.All.Where(user => user is { Active: true, Username: not null }).Select(user => user.Username!)],
            options.Value.NumberMatching,
            (int)options.Value.RequestLifetime.TotalSeconds,
            (int)options.Value.MaxRequestLifetime.TotalSeconds,
            options.Value.BindingMessageMaxLength));
    }

    private static async Task<IResult> StartAsync(DeskOrder order, DeskRuns runs, DeskClient provider, CancellationToken cancellationToken)
    {
        if (runs.Clients.FirstOrDefault(client => client.ClientId == order.ClientId) is not { } client)
        {
            return Page.Problem("unknown_client", "The desk does not know this client.");
        }

        var pays = order.Amount is > 0 && MayCharge(client, await provider.DiscoverAsync(cancellationToken));
        var answer = await provider.PostAsync(client, provider.AuthenticationPath, Form(order, client, pays), cancellationToken);
        if (answer.Text("auth_req_id") is null)
        {
            return Page.Problem(answer.Error ?? "server_error", answer.Description);
        }

        return runs.TryStart(client, answer) is { } id
            ? Results.Ok(new DeskStarted(id))
            : Page.Problem("too_many", "Too many requests of this page are under way.", StatusCodes.Status503ServiceUnavailable);
    }

    private static bool MayCharge(CibaClient client, DeskAnswer discovered) =>
        client.AuthorizationDetailsTypes.Contains(Demo.Payment) && discovered.Lists("authorization_details_types_supported", Demo.Payment);

    private static Dictionary<string, string> Form(DeskOrder order, CibaClient client, bool pays)
    {
        var form = new Dictionary<string, string>
        {
            ["scope"] = string.Join(' ', client.Scopes.Prepend("openid").Distinct()),
            ["login_hint"] = order.User ?? "",
            ["binding_message"] = order.BindingMessage ?? "",
            ["user_code"] = order.UserCode ?? "",
            ["requested_expiry"] = order.RequestedExpiry?.ToString(CultureInfo.InvariantCulture) ?? "",
        };
        if (pays)
        {
            form["authorization_details"] = JsonSerializer.Serialize(new[]
            {
                new
                {
                    type = Demo.Payment,
                    instructedAmount = new { currency = "EUR", amount = order.Amount!.Value.ToString("0.00", CultureInfo.InvariantCulture) },
                    creditorName = client.ClientName,
                },
            });
        }

        return form;
    }
}

/// <summary>The requests that the page has under way, no more than a demonstration needs.</summary>
public sealed class DeskRuns(DeskClient provider, IConfiguration configuration, TimeProvider time, IHostApplicationLifetime lifetime)
{
    private const int MaxRuns = 100;

    private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, DeskRun> _runs = new(StringComparer.Ordinal);

    public IReadOnlyList<CibaClient> Clients { get; } =
        [.. (configuration.GetSection("Ciba:Clients") is var clients && clients.Exists() ? clients.Get<CibaClient[]>() ?? [] : Demo.Clients("")).Where(DeskClient.CanBe)];

    /// <summary>Polls for the request; null where too many are under way.</summary>
    public string? TryStart(CibaClient client, DeskAnswer acknowledgement)
    {
        var id = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        lock (_lock)
        {
            MakeRoom();
            if (_runs.Count >= MaxRuns)
            {
                return null;
            }

            var run = _runs[id] = new DeskRun(provider, client, acknowledgement, time, lifetime.ApplicationStopping);
            _ = run.PollAsync();
            return id;
        }
    }

    public DeskRun? Find(string id)
    {
        lock (_lock)
        {
            return _runs.GetValueOrDefault(id);
        }
    }

    private void MakeRoom()
    {
        var ended = _runs.Where(run => run.Value.EndedAt is not null).OrderBy(run => run.Value.EndedAt).ToList();
        var tooMany = _runs.Count - MaxRuns + 1;
        foreach (var (run, place) in ended.Select((run, place) => (run, place)))
        {
            if (place < tooMany || run.Value.EndedAt < time.GetUtcNow() - KeptFor)
            {
                _runs.Remove(run.Key);
                run.Value.Dispose();
            }
        }
    }
}

/// <summary>What the person at the desk asks for.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record DeskOrder(string? ClientId, string? User, string? BindingMessage, decimal? Amount, string? UserCode, int? RequestedExpiry);

/// <summary>The unguessable name of a request under way.</summary>
public sealed record DeskStarted(string Id);

/// <summary>A client that the desk can be.</summary>
/// <param name="Id">The <c>client_id</c>.</param>
/// <param name="Name">The name that the user sees too.</param>
/// <param name="AsksForUserCode">Whether it sends the user's code.</param>
/// <param name="Payments">Whether the provider takes an amount from it.</param>
public sealed record DeskClientOffer(string Id, string Name, bool AsksForUserCode, bool Payments);

/// <summary>What can be chosen at the desk.</summary>
/// <param name="Clients">Those that poll with a secret in the clear.</param>
/// <param name="Users">Names to choose from; others may be typed.</param>
/// <param name="NumberMatching">Whether the user picks the code on the phone.</param>
/// <param name="RequestLifetime">In seconds, where nothing is asked.</param>
/// <param name="MaxRequestLifetime">In seconds.</param>
/// <param name="MaxBindingMessage">In characters.</param>
public sealed record DeskOffer(
    DeskClientOffer[] Clients, string[] Users, bool NumberMatching, int RequestLifetime, int MaxRequestLifetime, int MaxBindingMessage);
