namespace Ciba.AspNetCore.Redis;

/// <summary>
/// How the state is kept on Redis: what the child section <c>RedisStore</c> of the section given to <c>AddCiba(section)</c> holds.
/// Checked when the host starts.
/// </summary>
/// <remarks>
/// Ping and push mode need <c>AddDataProtection()</c> with a key ring that the nodes share, whatever is set here: Redis holds
/// the <c>auth_req_id</c> and the client notification token of a callback, encrypted, and only a node with the keys can send it.
/// </remarks>
public sealed class CibaRedisOptions
{
    /// <summary>
    /// What every key begins with: 1 to 64 letters, digits and <c>. _ : -</c>. Nodes of one provider have the same, providers
    /// that share a Redis have different ones. Default <c>ciba</c>.
    /// </summary>
    public string KeyPrefix { get; set; } = "ciba";

    /// <summary>How long one step may take before the client is answered 503. Default 2 s.</summary>
    public TimeSpan OperationTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Whether the host refuses to start where Redis cannot be reached. Default false: it starts, says so in the log, and
    /// answers 503 until Redis is there.
    /// </summary>
    public bool RequireConnectionAtStart { get; set; }

    /// <summary>
    /// Encrypts what Redis holds of a request and its answer with ASP.NET Core Data Protection, bound to that request. Needs
    /// <c>AddDataProtection()</c> with a key ring that the nodes share. What stays readable: times, status, and digests of user and client. Default false.
    /// </summary>
    public bool ProtectPayload { get; set; }

    /// <summary>
    /// Gets or sets how often a node looks for what its waiting polls and event streams wait for, in case a message was lost: one
    /// step for each of the 64 shards in which something is waited for, whatever its number. The default is 5 seconds.
    /// </summary>
    public TimeSpan LookAgainAfter { get; set; } = TimeSpan.FromSeconds(5);
}
