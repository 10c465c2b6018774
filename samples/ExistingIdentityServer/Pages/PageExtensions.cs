using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace ExistingIdentityServer.Pages;

public static class PageExtensions
{
    /// <summary>Goes to the user's own page, or to where the user is to go on, and says something there.</summary>
    public static IActionResult GoTo(this PageBase page, string to, string message)
    {
        page.TempData["Message"] = message;
        return page.RedirectToPage(to);
    }
}
