namespace Ciba.AspNetCore.Tests.Hosting;

/// <summary>For tests that make many requests of one client, right or wrong.</summary>
public static class LimitsOff
{
    public static void SwitchOff(this CibaLimitOptions limits)
    {
        limits.PendingPerUser = limits.PendingPerUserAndClient = limits.PendingPerClient = 0;
        limits.NotificationsPerUser = limits.NotificationsPerUserAndClient = limits.FailedAuthentications = 0;
    }
}
