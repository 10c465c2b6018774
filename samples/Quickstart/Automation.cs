using Ciba.AspNetCore;
using Microsoft.Extensions.Options;

namespace Quickstart;

/// <summary>
/// Answers requests without a user, for unattended certification runs: <c>POST /automation/{auth_req_id}/allow</c> and
/// <c>/deny</c>. Whoever can reach it can approve everything.
/// </summary>
public static class Automation
{
    public static bool HasAutomation(this IConfiguration configuration) => configuration.GetValue<bool>("Quickstart:Automation");

    public static void MapAutomation(this IEndpointRouteBuilder endpoints)
    {
        var automation = endpoints.MapGroup("/automation").AddEndpointFilter(GuardAsync);
        automation.MapPost("/{authReqId}/allow", (string authReqId, UserList users, ICibaApprovals approvals, IOptions<CibaOptions> options, TimeProvider time, CancellationToken cancellationToken) =>
            DecideAsync(Handle(authReqId, options), users, (id, subject) => approvals.ApproveAsync(id, subject, new CibaApproval { AuthTime = time.GetUtcNow(), Acr = PasswordSignIn.Acr(options.Value), Amr = ["pwd"] }, cancellationToken)));

        automation.MapPost("/{authReqId}/deny", (string authReqId, UserList users, ICibaApprovals approvals, IOptions<CibaOptions> options, CancellationToken cancellationToken) =>
            DecideAsync(Handle(authReqId, options), users, (id, subject) => approvals.DenyAsync(id, subject, cancellationToken)));
    }

    // Even if plain http is allowed elsewhere: whoever calls this answers for every user.
    private static async ValueTask<object?> GuardAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        var context = invocation.HttpContext;
        return !Transport.IsSecure(context, context.RequestServices.GetRequiredService<IOptions<CibaOptions>>().Value) ? Page.HttpsRequired()
            : Transport.IsFromAnotherOrigin(context.Request) ? Results.StatusCode(StatusCodes.Status403Forbidden)
            : await next(invocation);
    }

    private static string? Handle(string authReqId, IOptions<CibaOptions> options) => CibaRequestId.FromAuthReqId(authReqId, options.Value.ConcealmentKey);

    private static async Task<IResult> DecideAsync(string? id, UserList users, Func<string, string, ValueTask<CibaDecisionResult>> decide)
    {
        if (id is null)
        {
            return Results.NotFound();
        }

        // Only the user whom the hint named can answer, and the auth_req_id does not tell who that is.
        foreach (var user in users.All)
        {
            switch (await decide(id, user.Subject))
            {
                case CibaDecisionResult.Done:
                    return Results.NoContent();

                case CibaDecisionResult.AlreadyDecided:
                    return Results.Conflict();

                case CibaDecisionResult.Expired:
                    return Results.StatusCode(StatusCodes.Status410Gone);
            }
        }

        return Results.NotFound();
    }
}
