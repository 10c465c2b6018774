using System.Net.Http.Headers;
using System.Text;

namespace Ciba.AspNetCore.Redis.Tests.Hosting;

/// <summary>What the Quickstart's own client and users ask of a node.</summary>
public static class QuickstartCalls
{
    public static Task<Answer> AuthorizeAsync(this QuickstartProcess node, params (string Name, string Value)[] more) =>
        node.PostAsync("/bc-authorize", Shop, [("scope", "openid"), .. more]);

    public static Task<Answer> AuthorizeAsync(this QuickstartProcess node, string user) => node.AuthorizeAsync(("login_hint", user));

    public static Task<Answer> PollAsync(this QuickstartProcess node, string authReqId) =>
        node.PostAsync("/token", Shop, [("grant_type", CibaHost.GrantType), ("auth_req_id", authReqId)]);

    /// <summary>What the Quickstart does for unattended runs: <c>allow</c> or <c>deny</c>.</summary>
    public static Task<Answer> AutomateAsync(this QuickstartProcess node, string authReqId, string decision) => node.PostAsync($"/automation/{authReqId}/{decision}", null, []);

    /// <summary>What the user's phone does: <c>approve</c> or <c>deny</c>.</summary>
    public static Task<Answer> AnswerAsync(this QuickstartProcess node, string authReqId, string user, string decision = "approve") =>
        node.PostAsync($"/device/requests/{CibaRequestId.FromAuthReqId(authReqId)}/{decision}", Basic(user, user), []);

    /// <summary>What waits for the user, as the phone sees it.</summary>
    public static Task<Answer> WaitingAsync(this QuickstartProcess node, string user) =>
        node.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/device/requests") { Headers = { Authorization = Basic(user, user) } });

    public static Task<Answer> PostAsync(this QuickstartProcess node, string path, AuthenticationHeaderValue? authorization, params (string Name, string Value)[] form) =>
        node.SendAsync(new HttpRequestMessage(HttpMethod.Post, path)
        {
            Headers = { Authorization = authorization },
            Content = form.Length == 0 ? null : new FormUrlEncodedContent(form.Select(field => KeyValuePair.Create(field.Name, field.Value))),
        });

    private static AuthenticationHeaderValue Shop => CibaHost.Basic("shop", "shop-secret");

    private static AuthenticationHeaderValue Basic(string name, string password) => new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}")));
}
