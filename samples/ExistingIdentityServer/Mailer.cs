using System.Net.Mail;

namespace ExistingIdentityServer;

/// <summary>Sends users a link to a page of this server.</summary>
public sealed partial class Mailer(UserManager<IdentityUser> users, ServerOptions server, ILogger<Mailer> logger)
{
    public async Task SendLinkAsync(string userId, string subject, string path, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(server.SmtpHost))
        {
            // Whom the mail is for is not the log's business, and what stands behind the question mark may be a secret.
            WouldSend(path.Split('?')[0]);
            return;
        }

        if (await users.FindByIdAsync(userId) is not { Email: { } address })
        {
            return;
        }

        using var smtp = new SmtpClient(server.SmtpHost, server.SmtpPort);
        using var message = new MailMessage(server.MailFrom, address, subject, $"{subject}.\n\n{server.Issuer}{path}\n");
        try
        {
            await smtp.SendMailAsync(message, cancellationToken);
        }
        catch (SmtpException exception)
        {
            // What a mail server answers often repeats the address, and would be in the log.
            throw new IOException($"The mail server did not take the mail: {exception.StatusCode}");
        }
    }

    [LoggerMessage(1, LogLevel.Information, "A mail would go out with a link to {Path}: set Server:SmtpHost, or sign in and open the page yourself")]
    private partial void WouldSend(string path);
}
