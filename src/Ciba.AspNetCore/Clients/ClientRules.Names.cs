using Ciba.AspNetCore.Text;

namespace Ciba.AspNetCore.Clients;

/// <summary>The name by which the user knows a client.</summary>
internal static partial class ClientRules
{
    private const int MaxNameLength = 100;

    private static string? DisplayName(CibaClient client)
    {
        // Without a name of its own the client is shown by its identifier, which has its own rule.
        var name = client.ClientName;
        if (name == client.ClientId && !IsClientId(name))
        {
            return null;
        }

        if (DisplayText.CountVisibleText(name) is var length && (length == 0 || (length > MaxNameLength && name != client.ClientId)))
        {
            return $"ClientName must have 1 to {MaxNameLength} characters, at least one of them visible";
        }

        var problem = DisplayText.FindProblem(name);
        return problem == DisplayProblem.None ? null : $"ClientName {DisplayText.Describe(problem)}";
    }
}
